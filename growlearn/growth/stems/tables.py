"""The tabular stem: one token a column, after FT-Transformer (Gorishniy et al. 2021)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.job import ModelSpec
from growlearn.domain.schema import Input, InputType
from growlearn.growth.stems.columns import ColumnList, Inputs, Origin
from growlearn.ingest.rows import Column, Rows

_NUMBERS = "numbers"
_PIECES = 48  # Q; more tell close values apart better, at Q x D parameters a column (docs/adr/0005)


class NumberTokens(nn.Module):
    """Number columns, a token each: where a value lies among the quantiles of the first window.

    A value x becomes Q + 1 numbers, clip((x - e_q) / (e_q+1 - e_q), 0, 1) between each two neighbouring
    edges e and (x - mean) / spread, and these a token by one linear map a column: piecewise linear
    encoding (Gorishniy, Rubachev and Babenko 2022), which tells close values apart as trees do.
    """

    def __init__(self, names: Sequence[str], width: int) -> None:
        super().__init__()
        self.names = tuple(names)
        columns = len(names)
        self.register_buffer("mean", torch.zeros(columns, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(columns, dtype=torch.float64))
        self.register_buffer("edges", torch.zeros(columns, _PIECES + 1, dtype=torch.float64))
        self.weight = nn.Parameter(torch.randn(columns, _PIECES + 1, width) * (columns * _PIECES) ** -0.5)
        self.bias = nn.Parameter(torch.randn(columns, width) * columns**-0.5)
        self.mean: Tensor
        self.scale: Tensor
        self.edges: Tensor

    def encode(self, rows: Rows) -> Inputs:
        """Rows -> float64 [N, columns] of all number columns."""
        columns = [rows.inputs[name].astype(np.float64) for name in self.names]
        return {_NUMBERS: torch.from_numpy(np.stack(columns, axis=1))}

    def fit(self, inputs: Inputs) -> None:
        """Learn mean, spread and quantiles of each column."""
        values = inputs[_NUMBERS]  # [N, columns]
        spread = values.std(0, correction=0)
        self.mean.copy_(values.mean(0))
        self.scale.copy_(torch.where(spread > 0, spread, 1.0))
        edges = np.quantile(values.numpy(), np.linspace(0, 1, _PIECES + 1), axis=0)  # [Q + 1, columns]
        self.edges.copy_(torch.from_numpy(edges.T.copy()))

    def forward(self, inputs: Inputs) -> Tensor:
        """Encoded inputs of B rows -> [B, columns, D]; values beyond 10 spreads are clipped."""
        values = inputs[_NUMBERS]
        standard = ((values - self.mean) / self.scale).clamp(-10, 10)
        left, right = self.edges[:, :-1], self.edges[:, 1:]  # [columns, Q]
        apart = (values[..., None] - left) / torch.where(right > left, right - left, 1.0)
        pieces = torch.where(right > left, apart, values[..., None] >= left).clamp(0, 1)
        encoded = torch.cat([pieces, standard[..., None]], dim=-1).float()  # [B, columns, Q + 1]
        return torch.einsum("bcq,cqd->bcd", encoded, self.weight) + self.bias


class CategoryTokens(nn.Module):
    """One category column: an embedding a known value, index 0 for values never seen in training.

    The vocabulary is kept as UTF-8 JSON in a buffer, so that it is frozen, hashed and stored with
    the weights.
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
        """The vocabulary is known since birth; there is nothing to normalise."""

    def forward(self, indices: Tensor) -> Tensor:
        """Indices [B] -> one token [B, 1, D]."""
        token: Tensor = self.embedding(indices)
        return token[:, None]


def number_columns(columns: Mapping[str, Input], spec: ModelSpec, _: Origin) -> NumberTokens:
    """The number columns of a schema, all in one module."""
    return NumberTokens(list(columns), spec.width)


def category_columns(columns: Mapping[str, Input], spec: ModelSpec, origin: Origin) -> ColumnList:
    """The category columns of a schema, each with the values of the first training rows."""
    modules = {
        name: CategoryTokens(
            sorted(set(origin.inputs[name]))
            if isinstance(origin, Rows)
            else CategoryTokens.read_vocabulary(origin[f"{at}.vocabulary"]),
            spec.width,
        )
        for at, name in enumerate(columns)
    }
    return ColumnList(InputType.CATEGORY, modules)
