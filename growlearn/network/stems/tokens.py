"""The token stem: an embedding and learned positions, trained with word dropout."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.parquet_codec import PADDING
from growlearn.ingest.rows import Column
from growlearn.network.stems.columns import ColumnList, InitSource

_INIT_STD = 0.02  # of an initial embedding; ids absent from training keep theirs (docs/adr/0011)
_WORD_DROPOUT = 0.4  # fraction of the ids that a training step reads as padding


class IdTokens(nn.Module):
    """One column of token ids: one token for each of its `length` positions, embedding plus position.

    A position after the row's last id holds the position embedding alone, as if padding had embedding 0. So
    the schema fixes T, and a row's tokens depend on that row only. In training mode a random part of the ids
    is read as padding, so that no few ids decide (word dropout, Iyyer et al. 2015).
    """

    def __init__(self, vocabulary: int, length: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=_INIT_STD)
        self.position = nn.Parameter(torch.randn(length, width) * 0.02)

    def encode(self, ids: Column) -> Tensor:
        """Ids [N, length], PADDING after the last, as int64."""
        return torch.from_numpy(ids.astype(np.int64))

    def fit(self, ids: Tensor) -> None:
        """Ids have no normalisation."""

    def forward(self, ids: Tensor) -> Tensor:
        """Int64 [B, T] -> tokens [B, T, D]."""
        if self.training:
            ids = ids.masked_fill(torch.rand(ids.shape, device=ids.device) < _WORD_DROPOUT, PADDING)
        known = (ids >= 0)[..., None]  # [B, T, 1]
        return torch.where(known, self.embedding(ids.clamp_min(0)), 0.0) + self.position


def make_token_columns(columns: Mapping[str, InputColumn], config: ModelConfig, _: InitSource) -> ColumnList:
    """The token columns of a schema."""
    modules = {
        name: IdTokens(column.vocabulary, column.length, config.embed_dim)
        for name, column in columns.items()
        if column.vocabulary is not None and column.length is not None
    }
    return ColumnList(InputType.TOKENS, modules)
