"""The tabular stem: one token per column, after FT-Transformer (Gorishniy et al. 2021).

A value that is missing, or unknown, has the token of an ordinary one (the median, or the mean over the
training rows) plus a learned offset that starts at zero. So a column that had no such value in training still
gives a token that the branches have learned to read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.rows import Column, Rows
from growlearn.network.stems.columns import ColumnList, EncodedInputs, InitSource
from growlearn.network.transfer import DoubleModule, to_device

NUMBERS = "numbers"
"""The name of the encoded number columns."""
_MAX_BINS = 48  # Q; more bins separate closer values, at Q x D parameters per column (docs/adr/0005)
_MIN_BINS = 8
_MAX_FITTED = 1e100  # of a value that mean and deviation are fitted to: its square is finite
_ROWS_PER_BIN = 60  # of the first window, at least: with few rows many bins fit noise


class NumberTokens(DoubleModule):
    """Number columns, one token each: piecewise linear encoding by the quantiles of the first window.

    A value x becomes Q + 1 numbers: clip((x - e_q) / (e_q+1 - e_q), 0, 1) for each bin between two edges e,
    and (x - mean) / std, which alone tells values beyond the edges apart. One linear map per column turns
    them into a token (Gorishniy, Rubachev and Babenko 2022); like a tree it separates close values. A missing
    value (NaN) is read as the median, plus the column's offset; where the column had no value at all when it
    was fitted, every value counts as missing. `num_bins` is Q, an even number.
    """

    def __init__(self, names: Sequence[str], width: int, num_bins: int = _MAX_BINS) -> None:
        super().__init__()
        self.names = tuple(names)
        columns = len(names)
        self.register_buffer("mean", torch.zeros(columns, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(columns, dtype=torch.float64))
        self.register_buffer("edges", torch.zeros(columns, num_bins + 1, dtype=torch.float64))
        self.weight = nn.Parameter(torch.randn(columns, num_bins + 1, width) * (columns * num_bins) ** -0.5)
        self.bias = nn.Parameter(torch.randn(columns, width) * columns**-0.5)
        self.register_buffer("fitted", torch.zeros(columns, dtype=torch.uint8))
        self.missing = nn.Parameter(torch.zeros(columns, width))
        self.mean: Tensor
        self.scale: Tensor
        self.edges: Tensor
        self.fitted: Tensor

    def encode(self, rows: Rows) -> EncodedInputs:
        """Rows -> float64 [N, columns] of all number columns, NaN where missing."""
        columns = [rows.inputs[name].astype(np.float64) for name in self.names]
        return {NUMBERS: torch.from_numpy(np.stack(columns, axis=1))}

    def fit(self, inputs: EncodedInputs) -> None:
        """Fit mean, standard deviation and quantiles of each column that has values."""
        self.fit_values(inputs[NUMBERS])

    def forward(self, inputs: EncodedInputs) -> Tensor:
        """Encoded inputs of B rows -> [B, columns, D]; values beyond 10 standard deviations are clipped."""
        return self.embed_values(inputs[NUMBERS])

    def fit_values(self, values: Tensor) -> None:
        """The same for float64 [N, columns]."""
        num_edges = self.edges.shape[1]
        for index, column in enumerate(values.T):
            present = column[~column.isnan()]
            if len(present) == 0:
                continue  # a copied stem keeps what it was fitted to
            # Sentinels such as 1.8e308 have no finite mean.
            bounded = present.clamp(-_MAX_FITTED, _MAX_FITTED)
            is_constant = bounded.min() == bounded.max()  # its deviation may be rounding, not 0
            self.mean[index] = bounded.mean()
            self.scale[index] = torch.where(is_constant, 1.0, bounded.std(correction=0))
            edges = np.quantile(present.numpy(), np.linspace(0, 1, num_edges))  # [Q + 1]
            self.edges[index] = torch.from_numpy(edges)
            self.fitted[index] = 1

    def embed_values(self, values: Tensor) -> Tensor:
        """Float64 [B, columns] -> tokens [B, columns, D]."""
        is_missing = values.isnan() | (self.fitted == 0).to(values.device)  # [B, columns]
        values = torch.where(is_missing, self.edges[:, self.edges.shape[1] // 2], values)
        standard = ((values - self.mean) / self.scale).clamp(-10, 10)
        left, right = self.edges[:, :-1], self.edges[:, 1:]  # [columns, Q]
        fractions = (values[..., None] - left) / torch.where(right > left, right - left, 1.0)
        pieces = torch.where(right > left, fractions, values[..., None] >= left).clamp(0, 1)
        encoded = torch.cat([pieces, standard[..., None]], dim=-1).float()  # [B, columns, Q + 1]
        encoded, is_missing = (
            to_device(encoded, self.weight.device),
            to_device(is_missing, self.weight.device),
        )
        tokens = torch.einsum("bcq,cqd->bcd", encoded, self.weight) + self.bias
        return tokens + is_missing[..., None] * self.missing


class CategoryTokens(nn.Module):
    """One category or boolean column: an embedding per known value.

    Index 0 is a value not seen in training, 1 a missing one: both have the mean embedding of the training
    rows plus an offset of their own. A buffer holds the vocabulary as UTF-8 JSON, so it is frozen, hashed and
    stored with the weights.
    """

    def __init__(self, vocabulary: Sequence[str], width: int) -> None:
        super().__init__()
        self.index: dict[str | None, int] = {value: i + 2 for i, value in enumerate(vocabulary)}
        self.index[None] = 1
        text = json.dumps(list(vocabulary), ensure_ascii=False).encode()
        self.register_buffer("vocabulary", torch.tensor(list(text), dtype=torch.uint8))
        self.register_buffer("frequencies", torch.zeros(len(vocabulary)))
        self.embedding = nn.Embedding(len(vocabulary), width)
        self.offsets = nn.Parameter(torch.zeros(2, width))  # of an unknown and of a missing value
        self.frequencies: Tensor

    @staticmethod
    def read_vocabulary(stored: Tensor) -> list[str]:
        """The vocabulary of a stored buffer."""
        words: list[str] = json.loads(bytes(stored.tolist()))
        return words

    def encode(self, values: Column) -> Tensor:
        """Values [N] of str or None -> indices [N]."""
        return torch.from_numpy(np.array([self.index.get(value, 0) for value in values], dtype=np.int64))

    def fit(self, indices: Tensor) -> None:
        """Fit the known values' frequencies; the vocabulary is fixed at construction."""
        known = indices[indices >= 2] - 2
        if len(known):
            self.frequencies.copy_(torch.bincount(known, minlength=len(self.frequencies)) / len(known))

    def forward(self, indices: Tensor) -> Tensor:
        """Indices [B] -> one token [B, 1, D]."""
        mean = self.frequencies @ self.embedding.weight  # [D]
        tokens = torch.cat([mean + self.offsets, self.embedding.weight])  # [2 + values, D]
        return tokens[indices][:, None]


def choose_num_bins(rows: int) -> int:
    """Bins of a number column for so many first training rows: even, so that one edge is the median.

    >>> [choose_num_bins(rows) for rows in (100, 1_000, 10_000)]
    [8, 16, 48]
    """
    return min(max(rows // _ROWS_PER_BIN // 2 * 2, _MIN_BINS), _MAX_BINS)


def make_number_columns(
    columns: Mapping[str, InputColumn], config: ModelConfig, init_source: InitSource
) -> NumberTokens:
    """The number columns of a schema, all in one module; few first rows have fewer bins."""
    if isinstance(init_source, Rows):
        num_bins = choose_num_bins(len(init_source))
    else:
        num_bins = init_source["edges"].shape[1] - 1
    return NumberTokens(list(columns), config.embed_dim, num_bins)


def make_category_columns(
    columns: Mapping[str, InputColumn], config: ModelConfig, init_source: InitSource
) -> ColumnList:
    """The category columns of a schema, each with the values of the first training rows."""
    return _make_category_columns(InputType.CATEGORY, columns, config, init_source)


def make_boolean_columns(
    columns: Mapping[str, InputColumn], config: ModelConfig, init_source: InitSource
) -> ColumnList:
    """The boolean columns of a schema, as categories."""
    return _make_category_columns(InputType.BOOLEAN, columns, config, init_source)


def _make_category_columns(
    kind: InputType, columns: Mapping[str, InputColumn], config: ModelConfig, init_source: InitSource
) -> ColumnList:
    modules = {
        name: CategoryTokens(
            sorted(set(init_source.inputs[name]) - {None})
            if isinstance(init_source, Rows)
            else CategoryTokens.read_vocabulary(init_source[f"{index}.vocabulary"]),
            config.embed_dim,
        )
        for index, name in enumerate(columns)
    }
    return ColumnList(kind, modules)
