"""The token stem: an embedding and learned positions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from growlearn.domain.job import ModelSpec
from growlearn.domain.schema import Input, InputType
from growlearn.growth.stems.columns import ColumnList, Origin
from growlearn.ingest.rows import Column

_SPREAD = 0.02  # of an embedding at birth; an id that training never meets keeps it (docs/adr/0011)


class IdTokens(nn.Module):
    """One column of token ids: a token for each of its `length` places, embedding plus position.

    A place beyond the row's last id holds its position alone, as if padding were an id whose embedding
    stays 0. So T is what the schema says, and a row's tokens depend on nothing but the row.
    """

    def __init__(self, vocabulary: int, length: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=_SPREAD)
        self.position = nn.Parameter(torch.randn(length, width) * 0.02)

    def encode(self, ids: Column) -> Tensor:
        """Ids [N, length], PADDING after the last, as int64."""
        return torch.from_numpy(ids.astype(np.int64))

    def fit(self, ids: Tensor) -> None:
        """Ids have no scale to learn."""

    def forward(self, ids: Tensor) -> Tensor:
        """Int64 [B, T] -> tokens [B, T, D]."""
        known = (ids >= 0)[..., None]  # [B, T, 1]
        return torch.where(known, self.embedding(ids.clamp_min(0)), 0.0) + self.position


def token_columns(columns: Mapping[str, Input], spec: ModelSpec, _: Origin) -> ColumnList:
    """The token columns of a schema."""
    modules = {
        name: IdTokens(column.vocabulary, column.length, spec.width)
        for name, column in columns.items()
        if column.vocabulary is not None and column.length is not None
    }
    return ColumnList(InputType.TOKENS, modules)
