"""What the router sees of a row: features fixed by a stream's first window, never trained.

u(x) are fixed features of some types of column (the table here) and the root stem's tokens of the others,
standardised; h(x) = [u, relu(u R + b), 1] adds random projections, as RanPAC does (McDonnell et al.,
NeurIPS 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.schema import Input, InputType, Schema
from growlearn.growth.model.network import batches
from growlearn.growth.router.bags import BagFeatures
from growlearn.growth.router.kernels import KernelFeatures
from growlearn.growth.router.patches import PatchFeatures
from growlearn.growth.stems.stem import Stem, names_of
from growlearn.ingest.rows import Rows

_MOST_PROJECTIONS, _FEWEST_PROJECTIONS = 1500, 128
_CLIP = 5.0  # spreads


class Features(Protocol):
    """Fixed features of one column: a module of buffers."""

    @property
    def size(self) -> int:
        """How many features a row has."""
        ...

    def fit(self, values: Tensor, generator: torch.Generator) -> None:
        """Fix the buffers by the values of the first window; called once."""
        ...

    def __call__(self, values: Tensor) -> Tensor:
        """Values of B rows, as `Rows` has them -> features float32 [B, size]."""
        ...


@dataclass(frozen=True)
class Fixed:
    """Features for one type of column.

    `attribute` starts the stored names of their buffers; `build` makes the module of a column with so many
    filters, `counted` is the buffer that has as many entries, and `wanted` says how many for so many rows.
    """

    attribute: str
    build: Callable[[Input, int], nn.Module]
    counted: str
    wanted: Callable[[Input, int], int]


def _patches(spec: Input, count: int) -> nn.Module:
    assert spec.shape is not None
    return PatchFeatures(spec.shape[0], count)


def _bag(spec: Input, count: int) -> nn.Module:
    assert spec.vocabulary is not None
    return BagFeatures(spec.vocabulary, count)


def _kernels(spec: Input, count: int) -> nn.Module:
    assert spec.shape is not None
    steps, channels = spec.shape
    return KernelFeatures(steps, channels, count)


FIXED: Mapping[InputType, Fixed] = MappingProxyType(
    {
        InputType.IMAGE: Fixed("patches", _patches, "filters", lambda _, rows: between(8, rows // 150, 64)),
        InputType.TOKENS: Fixed(
            "bags",
            _bag,
            "rarity",
            lambda spec, rows: min(spec.vocabulary or 0, between(128, rows // 2, 1024)),
        ),
        InputType.SERIES: Fixed("kernels", _kernels, "kernels", lambda _, rows: between(32, rows // 20, 256)),
    }
)
"""Types of column with features of their own; the router sees the root stem's tokens of all others."""


def between(least: int, value: int, most: int) -> int:
    """The value, or the bound it lies beyond.

    >>> between(8, 3, 64), between(8, 12, 64), between(8, 99, 64)
    (8, 12, 64)
    """
    return min(most, max(least, value))


class RouterFeatures(nn.Module):
    """Rows -> h [B, F]; every weight is a buffer."""

    def __init__(self, schema: Schema, tokens: int, counts: Mapping[str, int], projections: int) -> None:
        super().__init__()
        self.names: list[str] = []
        self.parts: list[Features] = []  # registered below, under the names they are stored by
        for kind, fixed in FIXED.items():
            names = names_of(schema, kind)
            modules = [fixed.build(schema.inputs[name], counts[name]) for name in names]
            setattr(self, fixed.attribute, nn.ModuleList(modules))
            self.names += names
            self.parts += [cast("Features", module) for module in modules]
        size = tokens + sum(part.size for part in self.parts)
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
        for name, part in zip(self.names, self.parts, strict=True):
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
            for name, part in zip(self.names, self.parts, strict=True)
        ]
        return torch.cat([*parts, _other_tokens(stem, rows)], dim=1)

    def _standard(self, stem: Stem, rows: Rows) -> Tensor:
        return ((self._raw(stem, rows) - self.mean) / self.scale).clamp(-_CLIP, _CLIP)

    def _project(self, u: Tensor) -> Tensor:
        return torch.relu(u @ self.signs.float() * len(self.signs) ** -0.5 + self.shift)


def new_features(schema: Schema, stem: Stem, rows: Rows, seed: int) -> RouterFeatures:
    """Features for a stream, fewer where its first window has few rows."""
    tokens = _other_tokens(stem, rows.take(np.arange(1))).shape[1]
    counts = {
        name: FIXED[spec.type].wanted(spec, len(rows))
        for name, spec in schema.inputs.items()
        if spec.type in FIXED
    }
    projections = between(_FEWEST_PROJECTIONS, len(rows) // 6, _MOST_PROJECTIONS)
    features = RouterFeatures(schema, tokens, counts, projections)
    with torch.no_grad():
        features.fit(stem, rows, seed)
    return features


def stored_features(schema: Schema, weights: dict[str, Tensor]) -> RouterFeatures:
    """Features of stored weights."""
    counts = {
        name: len(weights[f"{fixed.attribute}.{at}.{fixed.counted}"])
        for kind, fixed in FIXED.items()
        for at, name in enumerate(names_of(schema, kind))
    }
    size, projections = weights["signs"].shape
    empty = RouterFeatures(schema, 0, counts, projections)
    features = RouterFeatures(schema, size - len(empty.mean), counts, projections)
    features.load_state_dict(weights)
    return features


def _other_tokens(stem: Stem, rows: Rows) -> Tensor:
    """Tokens of the columns without features of their own: N rows -> [N, t * D]."""
    return stem.tokens_of(rows, [kind for kind in InputType if kind not in FIXED]).flatten(1)


def _spread(rows: Rows, of: Callable[[Rows], Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of features [F], in one pass."""
    total, squares = torch.zeros(1), torch.zeros(1)
    for batch in batches(rows):
        found = of(batch).double()
        total, squares = total + found.sum(0), squares + found.square().sum(0)
    mean = total / len(rows)
    variance = (squares / len(rows) - mean.square()).clamp_min(0)
    return mean.float(), variance.sqrt().float() + 1e-3
