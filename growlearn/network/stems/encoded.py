"""The stem of a column that a frozen encoder reads: its features, projected to the width of a branch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import Schema
from growlearn.ingest.rows import Column
from growlearn.network.encoders.features import find_encoder
from growlearn.network.stems.columns import ColumnList

_CLIP = 8.0  # standard deviations: a feature that was constant at first may be anything later
_DROPOUT = 0.3  # of features, in training


class EncodedTokens(nn.Module):
    """One column: a token for each of the encoder's, and one for its summary, standardised and projected.

    The weights of the encoder are not among its own: it is shared by all stems, and found by its sha256.
    """

    def __init__(self, encoder_sha256: str, width: int) -> None:
        super().__init__()
        self.encoder_sha256 = encoder_sha256
        description = find_encoder(encoder_sha256).description
        self.num_tokens, self.token_size = description.num_tokens, description.token_size
        self.summary_size = description.summary_size
        self.project_token = nn.Linear(description.token_size, width)
        self.project_summary = nn.Linear(description.summary_size, width)
        self.position = nn.Parameter(torch.randn(1 + self.num_tokens, width) * 0.02)
        self.register_buffer("token_mean", torch.zeros(self.token_size))
        self.register_buffer("token_scale", torch.ones(self.token_size))
        self.register_buffer("summary_mean", torch.zeros(description.summary_size))
        self.register_buffer("summary_scale", torch.ones(description.summary_size))
        self.token_mean: Tensor
        self.token_scale: Tensor
        self.summary_mean: Tensor
        self.summary_scale: Tensor

    def encode(self, values: Column) -> Tensor:
        """Images [N, C, H, W] or texts [N] -> features float16 [N, T E + S]; looked up where known."""
        return torch.from_numpy(find_encoder(self.encoder_sha256).features(values))

    def fit(self, features: Tensor) -> None:
        """Fit mean and standard deviation of each feature, of tokens over all places."""
        tokens, summary = self.split(features)
        for name, part in (("token", tokens.flatten(0, 1)), ("summary", summary)):
            getattr(self, f"{name}_mean").copy_(part.mean(0))
            getattr(self, f"{name}_scale").copy_(part.std(0, correction=0).clamp_min(1e-3))

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, T E + S] -> tokens [B, T + 1, D], the summary's last."""
        tokens, summary = self.split(features)
        tokens = ((tokens - self.token_mean) / self.token_scale).clamp(-_CLIP, _CLIP)
        summary = ((summary - self.summary_mean) / self.summary_scale).clamp(-_CLIP, _CLIP)
        if self.training:
            tokens, summary = F.dropout(tokens, _DROPOUT), F.dropout(summary, _DROPOUT)
        projected = [self.project_token(tokens), self.project_summary(summary)[:, None]]
        return torch.cat(projected, dim=1) + self.position

    def split(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, T E + S] -> tokens float32 [B, T, E] and summary [B, S]."""
        end, values = self.num_tokens * self.token_size, features.float()
        return values[:, :end].reshape(-1, self.num_tokens, self.token_size), values[:, end:]


def make_encoded_columns(schema: Schema, config: ModelConfig) -> ColumnList | None:
    """The columns that the job's encoder reads; None without one.

    Raises GrowLearnError where the encoder is not stored yet.
    """
    encoder = config.encoder
    if encoder is None:
        return None
    if encoder.sha256 is None:
        raise GrowLearnError(
            "model.encoder is not stored yet", hint="growlearn apply stores the encoder that a job file names"
        )
    names = [name for name, column in schema.inputs.items() if column.type == encoder.reads]
    return ColumnList("encoded", {name: EncodedTokens(encoder.sha256, config.embed_dim) for name in names})
