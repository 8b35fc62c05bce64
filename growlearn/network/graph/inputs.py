"""The tensors that a prediction graph takes: what the columns of a row become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Column, Rows
from growlearn.network.stems.modalities import MODALITIES
from growlearn.network.stems.stem import Stem, get_column_names
from growlearn.network.stems.tables import CategoryTokens

Arrays: TypeAlias = Mapping[str, Column]
"""Inputs or outputs of a graph by their names, as NumPy arrays."""

UNKNOWN_CODE, MISSING_CODE = 0, 1
"""Codes of a category that is in no table, and of one that is missing."""
_FIRST_CODE = 2
CODED_TYPES = (InputType.CATEGORY, InputType.BOOLEAN)
"""Types whose values enter as codes."""
_TOGETHER: Mapping[InputType, tuple[str, torch.dtype]] = {
    InputType.NUMBER: ("numbers", torch.float64),
    InputType.CATEGORY: ("categories", torch.int64),
    InputType.BOOLEAN: ("booleans", torch.int64),
    InputType.DATETIME: ("datetimes", torch.int64),
}
"""Types whose columns share one tensor [B, columns]: its name and type."""
_APART: Mapping[InputType, torch.dtype] = {
    InputType.IMAGE: torch.uint8,
    InputType.TOKENS: torch.int64,
    InputType.SERIES: torch.float64,
}
"""Types of which each column has a tensor of its own."""


@dataclass(frozen=True)
class GraphInput:
    """One tensor: B rows of `shape`, which hold these columns of one type, in this order."""

    name: str
    type: InputType
    columns: tuple[str, ...]
    dtype: torch.dtype
    shape: tuple[int, ...]


@dataclass(frozen=True)
class GraphInputs:
    """All tensors of a graph, and for each category or boolean column the code of each of its values."""

    tensors: tuple[GraphInput, ...]
    codes: Mapping[str, Mapping[str, int]]

    @property
    def tensor_of(self) -> dict[str, str]:
        """The name of the tensor that each column is in."""
        return {column: tensor.name for tensor in self.tensors for column in tensor.columns}

    def encode(self, rows: Rows) -> dict[str, Tensor]:
        """Rows -> the tensors of N rows, by name."""
        return {tensor.name: self._encode(tensor, rows) for tensor in self.tensors}

    def _encode(self, tensor: GraphInput, rows: Rows) -> Tensor:
        columns = [self._to_array(tensor, name, rows.inputs[name]) for name in tensor.columns]
        values = np.stack(columns, axis=1) if tensor.type in _TOGETHER else np.array(columns[0])
        return torch.from_numpy(values).to(tensor.dtype)

    def _to_array(self, tensor: GraphInput, name: str, column: Column) -> Column:
        if tensor.type in CODED_TYPES:
            codes = self.codes[name]
            return np.array(
                [MISSING_CODE if value is None else codes.get(value, UNKNOWN_CODE) for value in column],
                np.int64,
            )
        if tensor.type is InputType.DATETIME:
            return column.astype("datetime64[us]").view(np.int64)  # NaT is the smallest int64
        return column


def list_inputs(schema: Schema, stems: Sequence[Stem]) -> GraphInputs:
    """The tensors of a schema, with the codes of every value that one of the stems knows.

    Raises GrowLearnError for a column of text, which no tensor operator can read.
    """
    texts = get_column_names(schema, InputType.TEXT)
    if texts:
        raise GrowLearnError(
            f"a graph of tensors cannot read the text of column {texts[0]!r}",
            hint="export the version with --format mlflow, which holds the code that reads text",
        )
    tensors: list[GraphInput] = []
    for kind in MODALITIES:
        tensors += _list_tensors(kind, schema, get_column_names(schema, kind))
    coded = [(kind, name) for kind in CODED_TYPES for name in get_column_names(schema, kind)]
    return GraphInputs(tuple(tensors), {name: _list_codes(kind, name, stems) for kind, name in coded})


def _list_tensors(kind: InputType, schema: Schema, names: Sequence[str]) -> list[GraphInput]:
    if not names:
        return []
    if kind in _TOGETHER:
        together, dtype = _TOGETHER[kind]
        return [GraphInput(together, kind, tuple(names), dtype, (len(names),))]
    return [
        GraphInput(f"{kind}_{index}", kind, (name,), _APART[kind], _row_shape(schema.inputs[name]))
        for index, name in enumerate(names)
    ]


def _row_shape(column: InputColumn) -> tuple[int, ...]:
    return column.shape if column.shape is not None else (column.length or 0,)


def _list_codes(kind: InputType, name: str, stems: Sequence[Stem]) -> dict[str, int]:
    values = {value for stem in stems for value in get_category(stem, kind, name).index if value is not None}
    values |= {"false", "true"} if kind is InputType.BOOLEAN else set()
    return {value: code for code, value in enumerate(sorted(values), _FIRST_CODE)}


def get_category(stem: Stem, kind: InputType, name: str) -> CategoryTokens:
    """The module of a stem's category or boolean column."""
    column = stem.column_list(kind).get_column(name)
    assert isinstance(column, CategoryTokens)
    return column
