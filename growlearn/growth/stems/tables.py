"""The tabular stem: one token a column, after FT-Transformer (Gorishniy et al. 2021)."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.ingest.rows import Column


class NumberTokens(nn.Module):
    """Number columns: standardised by the first window, then value * weight + bias, a token each."""

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(columns, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(columns, dtype=torch.float64))
        self.weight = nn.Parameter(torch.randn(columns, width) * columns**-0.5)
        self.bias = nn.Parameter(torch.randn(columns, width) * columns**-0.5)
        self.mean: Tensor
        self.scale: Tensor

    def fit(self, values: Tensor) -> None:
        """Learn mean and spread of each column from float64 values [N, columns]."""
        spread = values.std(0, correction=0)
        self.mean.copy_(values.mean(0))
        self.scale.copy_(torch.where(spread > 0, spread, 1.0))

    def forward(self, values: Tensor) -> Tensor:
        """Float64 [B, columns] -> [B, columns, D]; values beyond 10 spreads are clipped."""
        standard = ((values - self.mean) / self.scale).clamp(-10, 10).float()
        return standard[..., None] * self.weight + self.bias


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

    def forward(self, indices: Tensor) -> Tensor:
        """Indices [B] -> one token [B, 1, D]."""
        token: Tensor = self.embedding(indices)
        return token[:, None]
