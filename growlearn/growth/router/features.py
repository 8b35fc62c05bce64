"""What the router sees of a row: features fixed by a stream's first window, never trained.

u(x) are patch responses of the images and tokens of the other columns, standardised; h(x) = [u,
relu(u R + b), 1] adds random projections, as RanPAC does (McDonnell et al., NeurIPS 2023).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.schema import InputType, Schema
from growlearn.growth.model.network import batches
from growlearn.growth.router.patches import PatchFeatures
from growlearn.growth.stems.stem import Stem, names_of
from growlearn.ingest.rows import Rows

_MOST_PATCHES, _MOST_PROJECTIONS = 64, 1500
_FEWEST_PATCHES, _FEWEST_PROJECTIONS = 8, 128
_CLIP = 5.0  # spreads


class RouterFeatures(nn.Module):
    """Rows -> h [B, F]; every weight is a buffer."""

    def __init__(self, schema: Schema, tokens: int, patches: int, projections: int) -> None:
        super().__init__()
        self.images = names_of(schema, InputType.IMAGE)
        shapes = [schema.inputs[name].shape for name in self.images]
        self.patches = nn.ModuleList(PatchFeatures(shape[0], patches) for shape in shapes if shape)
        size = tokens + sum(part.size for part in self.patches if isinstance(part, PatchFeatures))
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.register_buffer("signs", torch.zeros(size, projections, dtype=torch.int8))
        self.register_buffer("shift", torch.zeros(projections))
        self.register_buffer("projected_mean", torch.zeros(projections))
        self.register_buffer("projected_scale", torch.ones(projections))
        self.mean: Tensor
        self.scale: Tensor
        self.signs: Tensor
        self.shift: Tensor
        self.projected_mean: Tensor
        self.projected_scale: Tensor

    @property
    def size(self) -> int:
        """F."""
        return len(self.mean) + len(self.shift) + 1

    def fit(self, stem: Stem, rows: Rows, seed: int) -> None:
        """Fix dictionary, projections and spreads by the first window's rows."""
        generator = torch.Generator().manual_seed(seed)
        for name, part in zip(self.images, self.patches, strict=True):
            assert isinstance(part, PatchFeatures)
            part.fit(torch.from_numpy(rows.inputs[name]), generator)
        self.signs.copy_(torch.randint(0, 2, self.signs.shape, generator=generator) * 2 - 1)
        self.shift.copy_(torch.randn(len(self.shift), generator=generator) * 0.3)
        self.mean, self.scale = _spread(rows, lambda batch: self._raw(stem, batch))
        self.projected_mean, self.projected_scale = _spread(
            rows, lambda batch: self._project(self._standard(stem, batch))
        )

    def forward(self, stem: Stem, rows: Rows) -> Tensor:
        """B rows -> h [B, F]; `stem` is the root stem, which never changes."""
        u = self._standard(stem, rows)
        projected = (self._project(u) - self.projected_mean) / self.projected_scale
        return torch.cat([u, projected, torch.ones(len(u), 1)], dim=1)

    def _raw(self, stem: Stem, rows: Rows) -> Tensor:
        parts = [
            part(torch.from_numpy(rows.inputs[name]))
            for name, part in zip(self.images, self.patches, strict=True)
        ]
        return torch.cat([*parts, stem.column_tokens(rows).flatten(1)], dim=1)

    def _standard(self, stem: Stem, rows: Rows) -> Tensor:
        return ((self._raw(stem, rows) - self.mean) / self.scale).clamp(-_CLIP, _CLIP)

    def _project(self, u: Tensor) -> Tensor:
        return torch.relu(u @ self.signs.float() * len(self.signs) ** -0.5 + self.shift)


def new_features(schema: Schema, stem: Stem, rows: Rows, seed: int) -> RouterFeatures:
    """Features for a stream, fewer where its first window has few rows."""
    tokens = stem.column_tokens(rows.take(np.arange(1))).flatten(1).shape[1]
    patches = min(_MOST_PATCHES, max(_FEWEST_PATCHES, len(rows) // 150))
    projections = min(_MOST_PROJECTIONS, max(_FEWEST_PROJECTIONS, len(rows) // 6))
    features = RouterFeatures(schema, tokens, patches, projections)
    with torch.no_grad():
        features.fit(stem, rows, seed)
    return features


def stored_features(schema: Schema, weights: dict[str, Tensor]) -> RouterFeatures:
    """Features of stored weights."""
    filters = [len(value) for name, value in weights.items() if name.endswith(".filters")]
    size, projections = weights["signs"].shape
    patches = filters[0] if filters else 0
    empty = RouterFeatures(schema, 0, patches, projections)
    features = RouterFeatures(schema, size - len(empty.mean), patches, projections)
    features.load_state_dict(weights)
    return features


def _spread(rows: Rows, of: Callable[[Rows], Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of features [F], in one pass."""
    total, squares = torch.zeros(1), torch.zeros(1)
    for batch in batches(rows):
        found = of(batch).double()
        total, squares = total + found.sum(0), squares + found.square().sum(0)
    mean = total / len(rows)
    variance = (squares / len(rows) - mean.square()).clamp_min(0)
    return mean.float(), variance.sqrt().float() + 1e-3
