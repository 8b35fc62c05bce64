"""Interfaces of the modules of one type of input column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeAlias, cast

import torch
from torch import Tensor, nn

from growlearn.ingest.rows import Column, Rows

EncodedInputs: TypeAlias = dict[str, Tensor]
"""Encoded rows: a tensor of B rows for each column, and one tensor for all number columns."""

InitSource: TypeAlias = Rows | Mapping[str, Tensor]
"""What initialises a stem: the first training rows, or stored weights."""


class ColumnGroup(Protocol):
    """All columns of one type: a module whose parameters and buffers hold everything learned."""

    def encode(self, rows: Rows) -> EncodedInputs:
        """Rows -> tensors of N rows; cheap, without learned weights."""
        ...

    def fit(self, inputs: EncodedInputs) -> None:
        """Fit normalisation to the first training rows; called once, and again for a copied stem."""
        ...

    def __call__(self, inputs: EncodedInputs) -> Tensor:
        """Encoded inputs of B rows -> tokens [B, t, D]; t is fixed by the schema."""
        ...


class ColumnModule(Protocol):
    """One column of a `ColumnList`."""

    def encode(self, values: Column) -> Tensor:
        """Values of N rows, as in `Rows` -> a tensor of N rows."""
        ...

    def fit(self, encoded: Tensor) -> None:
        """Fit normalisation to the encoded first training rows, if the column has any."""
        ...

    def __call__(self, encoded: Tensor) -> Tensor:
        """Encoded values of B rows -> tokens [B, t, D]."""
        ...


class ColumnList(nn.ModuleList):
    """One module per column in schema order; their tokens are concatenated.

    Modules are looked up by index, because torch does not allow every column name as a module name.
    """

    def __init__(self, kind: str, modules: Mapping[str, nn.Module]) -> None:
        super().__init__(modules.values())
        self.encoded_names = {name: f"{kind} {name}" for name in modules}  # a column may be named "numbers"

    def encode(self, rows: Rows) -> EncodedInputs:
        """Rows -> a tensor of N rows for each column."""
        return {
            encoded_name: column.encode(rows.inputs[name])
            for name, encoded_name, column in self._iter_columns()
        }

    def fit(self, inputs: EncodedInputs) -> None:
        """Fit the normalisation of each column."""
        for _, encoded_name, column in self._iter_columns():
            column.fit(inputs[encoded_name])

    def forward(self, inputs: EncodedInputs) -> Tensor:
        """Encoded inputs of B rows -> tokens [B, t, D] of all columns."""
        return torch.cat(
            [column(inputs[encoded_name]) for _, encoded_name, column in self._iter_columns()], dim=1
        )

    def get_column(self, name: str) -> nn.Module:
        """The module of a column."""
        return self[list(self.encoded_names).index(name)]

    def _iter_columns(self) -> Iterator[tuple[str, str, ColumnModule]]:
        for (name, encoded_name), module in zip(self.encoded_names.items(), self, strict=True):
            yield name, encoded_name, cast("ColumnModule", module)
