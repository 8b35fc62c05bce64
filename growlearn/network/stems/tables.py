"""The tabular stem: one token per column, after FT-Transformer (Gorishniy et al. 2021)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.job import ModelConfig
from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.rows import Column, Rows
from growlearn.network.stems.columns import ColumnList, EncodedInputs, InitSource

_NUMBERS = "numbers"
_NUM_BINS = 48  # Q; more bins separate closer values, at Q x D parameters per column (docs/adr/0005)


class NumberTokens(nn.Module):
    """Number columns, one token each: piecewise linear encoding by the quantiles of the first window.

    A value x becomes Q + 1 numbers: clip((x - e_q) / (e_q+1 - e_q), 0, 1) for each bin between two edges e,
    and (x - mean) / std. One linear map per column turns them into a token (Gorishniy, Rubachev and Babenko
    2022); like a tree it separates close values.
    """

    def __init__(self, names: Sequence[str], width: int) -> None:
        super().__init__()
        self.names = tuple(names)
        columns = len(names)
        self.register_buffer("mean", torch.zeros(columns, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(columns, dtype=torch.float64))
        self.register_buffer("edges", torch.zeros(columns, _NUM_BINS + 1, dtype=torch.float64))
        self.weight = nn.Parameter(torch.randn(columns, _NUM_BINS + 1, width) * (columns * _NUM_BINS) ** -0.5)
        self.bias = nn.Parameter(torch.randn(columns, width) * columns**-0.5)
        self.mean: Tensor
        self.scale: Tensor
        self.edges: Tensor

    def encode(self, rows: Rows) -> EncodedInputs:
        """Rows -> float64 [N, columns] of all number columns."""
        columns = [rows.inputs[name].astype(np.float64) for name in self.names]
        return {_NUMBERS: torch.from_numpy(np.stack(columns, axis=1))}

    def fit(self, inputs: EncodedInputs) -> None:
        """Fit mean, standard deviation and quantiles of each column."""
        values = inputs[_NUMBERS]  # [N, columns]
        spread = values.std(0, correction=0)
        self.mean.copy_(values.mean(0))
        self.scale.copy_(torch.where(spread > 0, spread, 1.0))
        edges = np.quantile(values.numpy(), np.linspace(0, 1, _NUM_BINS + 1), axis=0)  # [Q + 1, columns]
        self.edges.copy_(torch.from_numpy(edges.T.copy()))

    def forward(self, inputs: EncodedInputs) -> Tensor:
        """Encoded inputs of B rows -> [B, columns, D]; values beyond 10 standard deviations are clipped."""
        values = inputs[_NUMBERS]
        standard = ((values - self.mean) / self.scale).clamp(-10, 10)
        left, right = self.edges[:, :-1], self.edges[:, 1:]  # [columns, Q]
        fractions = (values[..., None] - left) / torch.where(right > left, right - left, 1.0)
        pieces = torch.where(right > left, fractions, values[..., None] >= left).clamp(0, 1)
        encoded = torch.cat([pieces, standard[..., None]], dim=-1).float()  # [B, columns, Q + 1]
        return torch.einsum("bcq,cqd->bcd", encoded, self.weight) + self.bias


class CategoryTokens(nn.Module):
    """One category column: an embedding per known value, index 0 for values not seen in training.

    A buffer holds the vocabulary as UTF-8 JSON, so it is frozen, hashed and stored with the weights.
    """

    def __init__(self, vocabulary: Sequence[str], width: int) -> None:
        super().__init__()
        self.index = {value: i + 1 for i, value in enumerate(vocabulary)}
        text = json.dumps(list(vocabulary), ensure_ascii=False).encode()
        self.register_buffer("vocabulary", torch.tensor(list(text), dtype=torch.uint8))
        self.embedding = nn.Embedding(len(vocabulary) + 1, width)

    @staticmethod
    def read_vocabulary(stored: Tensor) -> list[str]:
        """The vocabulary of a stored buffer."""
        words: list[str] = json.loads(bytes(stored.tolist()))
        return words

    def encode(self, values: Column) -> Tensor:
        """Values [N] of str -> indices [N]."""
        return torch.from_numpy(np.array([self.index.get(value, 0) for value in values], dtype=np.int64))

    def fit(self, indices: Tensor) -> None:
        """A category has no normalisation; the vocabulary is fixed at construction."""

    def forward(self, indices: Tensor) -> Tensor:
        """Indices [B] -> one token [B, 1, D]."""
        token: Tensor = self.embedding(indices)
        return token[:, None]


def make_number_columns(
    columns: Mapping[str, InputColumn], config: ModelConfig, _: InitSource
) -> NumberTokens:
    """The number columns of a schema, all in one module."""
    return NumberTokens(list(columns), config.embed_dim)


def make_category_columns(
    columns: Mapping[str, InputColumn], config: ModelConfig, init_source: InitSource
) -> ColumnList:
    """The category columns of a schema, each with the values of the first training rows."""
    modules = {
        name: CategoryTokens(
            sorted(set(init_source.inputs[name]))
            if isinstance(init_source, Rows)
            else CategoryTokens.read_vocabulary(init_source[f"{index}.vocabulary"]),
            config.embed_dim,
        )
        for index, name in enumerate(columns)
    }
    return ColumnList(InputType.CATEGORY, modules)
