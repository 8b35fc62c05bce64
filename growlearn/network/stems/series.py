"""The time series stem: convolutions, then overlapping patches, after PatchTST (Nie et al. 2023)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.rows import Column
from growlearn.network.stems.columns import ColumnList, InitSource
from growlearn.network.transfer import DoubleModule, to_device

_CLIP = 10.0  # standard deviations
_KERNEL = 3  # steps that a convolution reads


class SeriesTokens(DoubleModule):
    """One series column: normalisation fitted once, convolutions, a linear map of each patch, positions.

    Two convolutions over 3 steps and all channels read local shapes (Wang, Yan and Oates 2017); they are
    normalised row by row, so a row's tokens depend on that row only. Patches are 2 * patch steps long and
    start `patch` steps apart; repeating the last step fills the last patch, as in PatchTST. Unlike there a
    patch spans all channels, so T does not depend on them. One more token is a linear map of all values of
    the series, as logistic regression reads them.
    Float64 [B, steps, channels] -> [B, ceil(steps / patch) + 1, D].
    """

    def __init__(self, shape: tuple[int, ...], config: ModelConfig) -> None:
        super().__init__()
        steps, channels = shape
        width = config.embed_dim
        self.patch = min(config.patch_size, steps)
        self.convolve = nn.Sequential(
            nn.Conv1d(channels, width, _KERNEL, padding=_KERNEL // 2),
            nn.GroupNorm(1, width),
            nn.ReLU(),
            nn.Conv1d(width, width, _KERNEL, padding=_KERNEL // 2),
            nn.GroupNorm(1, width),
            nn.ReLU(),
        )
        self.project = nn.Conv1d(width, width, 2 * self.patch, stride=self.patch)
        self.project_all = nn.Linear(steps * channels, width)
        self.register_buffer("mean", torch.zeros(channels, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(channels, dtype=torch.float64))
        self.position = nn.Parameter(torch.randn(math.ceil(steps / self.patch), width) * 0.02)
        self.mean: Tensor
        self.scale: Tensor

    def encode(self, values: Column) -> Tensor:
        """Float64 [N, steps, channels] as a tensor."""
        return torch.from_numpy(np.array(values))

    def fit(self, values: Tensor) -> None:
        """Fit each channel's mean and standard deviation (1 for a constant) to [N, steps, channels]."""
        is_constant = values.amin((0, 1)) == values.amax((0, 1))  # its deviation may be rounding, not 0
        self.mean.copy_(values.mean((0, 1)))
        self.scale.copy_(torch.where(is_constant, 1.0, values.std((0, 1), correction=0)))

    def forward(self, values: Tensor) -> Tensor:
        """Float64 [B, steps, channels] -> tokens [B, T, D]; clips values beyond 10 standard deviations."""
        standard = ((values - self.mean) / self.scale).clamp(-_CLIP, _CLIP).float()
        standard = to_device(standard, self.position.device)  # [B, steps, channels]
        whole = self.project_all(standard.flatten(1))[:, None]  # [B, 1, D]
        num_padding = self.patch + -standard.shape[1] % self.patch
        grid = self.convolve(standard.transpose(1, 2))  # [B, D, steps]
        last = grid[..., -1:].expand(-1, -1, num_padding)  # as F.pad replicates, with a repeatable gradient
        padded = torch.cat([grid, last], dim=2)  # [B, D, padded steps]
        tokens = self.project(padded).transpose(1, 2) + self.position
        return torch.cat([tokens, whole], dim=1)


def make_series_columns(columns: Mapping[str, InputColumn], config: ModelConfig, _: InitSource) -> ColumnList:
    """The series columns of a schema."""
    shapes = {name: column.shape for name, column in columns.items() if column.shape is not None}
    return ColumnList(InputType.SERIES, {name: SeriesTokens(shape, config) for name, shape in shapes.items()})
