"""The time series stem: overlapping patches, after PatchTST (Nie et al. 2023)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.job import ModelSpec
from growlearn.domain.schema import Input, InputType
from growlearn.growth.stems.columns import ColumnList, Origin
from growlearn.ingest.rows import Column

_CLIP = 10.0  # spreads


class SeriesTokens(nn.Module):
    """One series column: normalisation learned once, a linear map of each patch, learned positions.

    Patches are 2 * patch steps long and start `patch` steps apart; the last step is repeated to fill the
    last one, as in PatchTST. Unlike there a patch spans all channels, so that T does not grow with them.
    Float64 [B, steps, channels] -> [B, ceil(steps / patch), D].
    """

    def __init__(self, shape: tuple[int, ...], spec: ModelSpec) -> None:
        super().__init__()
        steps, channels = shape
        self.patch = min(spec.patch, steps)
        self.project = nn.Conv1d(channels, spec.width, 2 * self.patch, stride=self.patch)
        self.register_buffer("mean", torch.zeros(channels, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(channels, dtype=torch.float64))
        self.position = nn.Parameter(torch.randn(math.ceil(steps / self.patch), spec.width) * 0.02)
        self.mean: Tensor
        self.scale: Tensor

    def encode(self, values: Column) -> Tensor:
        """Float64 [N, steps, channels] as a tensor."""
        return torch.from_numpy(np.array(values))

    def fit(self, values: Tensor) -> None:
        """Learn each channel's mean and spread from [N, steps, channels]; the spread of a constant is 1."""
        spread = values.std((0, 1), correction=0)
        self.mean.copy_(values.mean((0, 1)))
        self.scale.copy_(torch.where(spread > 0, spread, 1.0))

    def forward(self, values: Tensor) -> Tensor:
        """Float64 [B, steps, channels] -> tokens [B, T, D]; values beyond 10 spreads are clipped."""
        standard = ((values - self.mean) / self.scale).clamp(-_CLIP, _CLIP).float()
        steps = standard.shape[1]
        short = self.patch + -steps % self.patch
        padded = F.pad(standard.transpose(1, 2), (0, short), mode="replicate")  # [B, channels, steps + short]
        tokens: Tensor = self.project(padded)  # [B, D, T]
        return tokens.transpose(1, 2) + self.position


def series_columns(columns: Mapping[str, Input], spec: ModelSpec, _: Origin) -> ColumnList:
    """The series columns of a schema."""
    shapes = {name: column.shape for name, column in columns.items() if column.shape is not None}
    return ColumnList(InputType.SERIES, {name: SeriesTokens(shape, spec) for name, shape in shapes.items()})
