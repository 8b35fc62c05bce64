"""What the modules of one type of input column have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeAlias, cast

import torch
from torch import Tensor, nn

from growlearn.domain.schema import InputType
from growlearn.ingest.rows import Column, Rows

Inputs: TypeAlias = dict[str, Tensor]
"""Encoded rows: a tensor of B rows for each column, and one for all numbers together."""

Origin: TypeAlias = Rows | Mapping[str, Tensor]
"""What a stem is made from: the first training rows, or stored weights."""


class Columns(Protocol):
    """All columns of one type: a module whose parameters and buffers are the learned part."""

    def encode(self, rows: Rows) -> Inputs:
        """Rows -> tensors of N rows; cheap, without learned weights."""
        ...

    def fit(self, inputs: Inputs) -> None:
        """Learn normalisation from the first training rows; called once, and again for a copied stem."""
        ...

    def __call__(self, inputs: Inputs) -> Tensor:
        """Encoded inputs of B rows -> tokens [B, t, D]; t is fixed by the schema."""
        ...


class OneColumn(Protocol):
    """One column of a `ColumnList`."""

    def encode(self, values: Column) -> Tensor:
        """Values of N rows, as `Rows` has them, as a tensor of N rows."""
        ...

    def fit(self, encoded: Tensor) -> None:
        """Learn normalisation from the encoded first training rows; may do nothing."""
        ...

    def __call__(self, encoded: Tensor) -> Tensor:
        """Encoded values of B rows -> tokens [B, t, D]."""
        ...


class ColumnList(nn.ModuleList):
    """A module a column, their tokens one after the other; modules are numbered as the schema orders them.

    They are looked up by place, for a column may have a name that no module may have.
    """

    def __init__(self, kind: InputType, modules: Mapping[str, nn.Module]) -> None:
        super().__init__(modules.values())
        self.key_of = {name: f"{kind} {name}" for name in modules}  # a column may be called "numbers", too

    def encode(self, rows: Rows) -> Inputs:
        """Rows -> a tensor of N rows for each column."""
        return {key: column.encode(rows.inputs[name]) for name, key, column in self._columns()}

    def fit(self, inputs: Inputs) -> None:
        """Let each column learn its normalisation."""
        for _, key, column in self._columns():
            column.fit(inputs[key])

    def forward(self, inputs: Inputs) -> Tensor:
        """Encoded inputs of B rows -> tokens [B, t, D] of all columns."""
        return torch.cat([column(inputs[key]) for _, key, column in self._columns()], dim=1)

    def of(self, name: str) -> nn.Module:
        """The module of a column."""
        return self[list(self.key_of).index(name)]

    def _columns(self) -> Iterator[tuple[str, str, OneColumn]]:
        for (name, key), module in zip(self.key_of.items(), self, strict=True):
            yield name, key, cast("OneColumn", module)
