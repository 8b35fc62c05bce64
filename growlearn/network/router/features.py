"""The router's features of a row, fitted to a stream's first window and never trained.

u(x) are fixed features of some column types (the table here) and the root stem's tokens of the others,
standardised; h(x) = [u, relu(u R + b), 1] adds random projections, as RanPAC does (McDonnell et al.,
NeurIPS 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Column, Rows
from growlearn.network.model.network import iter_batches
from growlearn.network.router.patches import PatchFeatures
from growlearn.network.router.rocket import RocketFeatures
from growlearn.network.router.text import NgramFeatures, encode_text_ngrams
from growlearn.network.router.tfidf import TfidfFeatures
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.stems.stem import Stem, get_column_names
from growlearn.network.transfer import to_device

_MAX_PROJECTIONS, _MIN_PROJECTIONS = 1500, 128
_CLIP = 5.0  # standard deviations


class ColumnFeatures(Protocol):
    """Fixed features of one column: a module of buffers."""

    @property
    def size(self) -> int:
        """The number of features of a row."""
        ...

    def fit(self, values: Tensor, generator: torch.Generator) -> None:
        """Fit the buffers to the encoded values of the first window; called once."""
        ...

    def __call__(self, values: Tensor) -> Tensor:
        """Encoded values of B rows -> features float32 [B, size]."""
        ...


@dataclass(frozen=True)
class FixedFeature:
    """The fixed features of one column type.

    `attribute` is the prefix of their stored buffers. `build` makes the module of a column with a given
    number of filters, `size_buffer` names the buffer with one entry per filter, and `choose_size` gives that
    number from the column and the number of rows. `encode` makes a tensor of a column's values.
    """

    attribute: str
    build: Callable[[InputColumn, int], nn.Module]
    size_buffer: str
    choose_size: Callable[[InputColumn, int], int]
    encode: Callable[[Column], Tensor] = torch.from_numpy


def _build_patches(column: InputColumn, count: int) -> nn.Module:
    assert column.shape is not None
    return PatchFeatures(column.shape[0], count)


def _build_tfidf(column: InputColumn, count: int) -> nn.Module:
    assert column.vocabulary is not None
    return TfidfFeatures(column.vocabulary, count)


def _build_rocket(column: InputColumn, count: int) -> nn.Module:
    assert column.shape is not None
    steps, channels = column.shape
    return RocketFeatures(steps, channels, count)


FIXED_FEATURES: Mapping[InputType, FixedFeature] = MappingProxyType(
    {
        InputType.IMAGE: FixedFeature(
            "patches", _build_patches, "filters", lambda _, rows: clamp(8, rows // 150, 64)
        ),
        InputType.TOKENS: FixedFeature(
            "bags",
            _build_tfidf,
            "rarity",
            lambda spec, rows: min(spec.vocabulary or 0, clamp(128, rows // 2, 1024)),
        ),
        InputType.SERIES: FixedFeature(
            "kernels", _build_rocket, "kernels", lambda _, rows: clamp(32, rows // 20, 256)
        ),
        InputType.TEXT: FixedFeature(
            "ngrams",
            lambda _, count: NgramFeatures(count),
            "rarity",
            lambda _, rows: clamp(128, rows // 2, 1024),
            encode_text_ngrams,
        ),
    }
)
"""Column types with fixed features; for all others the router reads the root stem's tokens."""
_OTHER_TYPES = tuple(kind for kind in InputType if kind not in FIXED_FEATURES)


def clamp(lower: int, value: int, upper: int) -> int:
    """The value, limited to the range from `lower` to `upper`.

    >>> clamp(8, 3, 64), clamp(8, 12, 64), clamp(8, 99, 64)
    (8, 12, 64)
    """
    return min(upper, max(lower, value))


class RouterFeatures(nn.Module):
    """Rows -> h [B, F]; every weight is a buffer."""

    def __init__(self, schema: Schema, others: int, counts: Mapping[str, int], projections: int) -> None:
        super().__init__()
        self.names: list[str] = []
        self.encoders: list[Callable[[Column], Tensor]] = []
        self.parts: list[ColumnFeatures] = []  # registered below under their stored names
        for kind, fixed in FIXED_FEATURES.items():
            names = [name for name in get_column_names(schema, kind) if name in counts]
            modules = [fixed.build(schema.inputs[name], counts[name]) for name in names]
            setattr(self, fixed.attribute, nn.ModuleList(modules))
            self.names += names
            self.encoders += [fixed.encode] * len(names)
            self.parts += [cast("ColumnFeatures", module) for module in modules]
        size = others + sum(part.size for part in self.parts)
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
        """The number of features F."""
        return len(self.mean) + len(self.shift) + 1

    def fit(self, stem: Stem, rows: Rows, seed: int) -> None:
        """Fit the column features, projections and standardisation to the first window's rows."""
        generator = torch.Generator().manual_seed(seed)  # the same numbers whatever the device
        for (name, encode), part in zip(self._encoders(), self.parts, strict=True):
            part.fit(encode(rows.inputs[name]), generator)
        self.signs.copy_(torch.randint(0, 2, self.signs.shape, generator=generator) * 2 - 1)
        self.shift.copy_(torch.randn(len(self.shift), generator=generator) * 0.3)
        self.to(stem.device)
        _copy_mean_and_std(rows, lambda batch: self._raw_features(stem, batch), (self.mean, self.scale))
        _copy_mean_and_std(
            rows,
            lambda batch: self._project(self._standardize(self._raw_features(stem, batch))),
            (self.projected_mean, self.projected_scale),
        )

    def forward(self, stem: Stem, rows: Rows) -> Tensor:
        """B rows -> h [B, F]; `stem` is the root stem, which never changes."""
        return self.forward_encoded(list(self._encode(rows)), _read_stem(stem, rows))

    def forward_encoded(self, values: Sequence[Tensor], of_stem: Tensor) -> Tensor:
        """The same from the encoded columns `names` of B rows, and what is read of the stem, [B, S]."""
        u = self._standardize(self._join(values, of_stem))
        projected = (self._project(u) - self.projected_mean) / self.projected_scale
        return torch.cat([u, projected, u.new_ones(u.shape[0], 1)], dim=1)

    def _raw_features(self, stem: Stem, rows: Rows) -> Tensor:
        return self._join(list(self._encode(rows)), _read_stem(stem, rows))

    def _join(self, values: Sequence[Tensor], of_stem: Tensor) -> Tensor:
        parts = [part(column) for part, column in zip(self.parts, values, strict=True)]
        return torch.cat([*parts, of_stem], dim=1)

    def _encode(self, rows: Rows) -> Iterator[Tensor]:
        for name, encode in self._encoders():
            yield to_device(encode(rows.inputs[name]), self.mean.device)

    def _encoders(self) -> Iterator[tuple[str, Callable[[Column], Tensor]]]:
        yield from zip(self.names, self.encoders, strict=True)

    def _standardize(self, raw: Tensor) -> Tensor:
        return ((raw - self.mean) / self.scale).clamp(-_CLIP, _CLIP)

    def _project(self, u: Tensor) -> Tensor:
        return torch.relu(u @ self.signs.float() * len(self.signs) ** -0.5 + self.shift)


def fit_router_features(schema: Schema, stem: Stem, rows: Rows, seed: int) -> RouterFeatures:
    """Features of a stream; a first window with few rows gets fewer."""
    others = _read_stem(stem, rows.take(np.arange(1))).shape[1]
    encoded = () if stem.encoded is None else tuple(stem.encoded.encoded_names)
    counts = {
        name: FIXED_FEATURES[column.type].choose_size(column, len(rows))
        for name, column in schema.inputs.items()
        if column.type in FIXED_FEATURES and name not in encoded
    }
    projections = clamp(_MIN_PROJECTIONS, len(rows) // 6, _MAX_PROJECTIONS)
    features = RouterFeatures(schema, others, counts, projections)
    with torch.no_grad():
        features.fit(stem, rows, seed)
    return features


def load_router_features(schema: Schema, weights: dict[str, Tensor]) -> RouterFeatures:
    """The features of stored buffers."""
    counts = {
        name: len(weights[f"{fixed.attribute}.{index}.{fixed.size_buffer}"])
        for kind, fixed in FIXED_FEATURES.items()
        for index, name in enumerate(get_column_names(schema, kind))
        if f"{fixed.attribute}.{index}.{fixed.size_buffer}" in weights
    }
    size, projections = weights["signs"].shape
    empty = RouterFeatures(schema, 0, counts, projections)
    features = RouterFeatures(schema, size - len(empty.mean), counts, projections)
    features.load_state_dict(weights)
    return features


def _read_stem(stem: Stem, rows: Rows) -> Tensor:
    """Of the columns without fixed features: the encoder's summaries, and tokens [N, t * D] of the others."""
    return torch.cat([stem.summaries(rows), stem.tokens_by_type(rows, _OTHER_TYPES).flatten(1)], dim=1)


def read_encoded_stem(stem: Stem, inputs: EncodedInputs, num_rows: int) -> Tensor:
    """What the features read of a stem, from encoded inputs of N rows: [N, S]."""
    tokens = stem.encoded_tokens_by_type(inputs, _OTHER_TYPES, num_rows)
    return torch.cat([stem.encoded_summaries(inputs, num_rows), tokens.flatten(1)], dim=1)


def _copy_mean_and_std(
    rows: Rows, compute_features: Callable[[Rows], Tensor], buffers: tuple[Tensor, Tensor]
) -> None:
    """Mean and standard deviation of features [F] into two buffers, in one pass; summed on the CPU."""
    total, squares = torch.zeros(1), torch.zeros(1)
    for batch in iter_batches(rows):
        values = compute_features(batch).cpu().double()  # not every device has float64
        total, squares = total + values.sum(0), squares + values.square().sum(0)
    mean = total / len(rows)
    variance = (squares / len(rows) - mean.square()).clamp_min(0)
    buffers[0].copy_(mean.float())
    buffers[1].copy_(variance.sqrt().float() + 1e-3)
