"""List columns of an Arrow table -> arrays, and lists written as text, as in CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.errors import InvalidFile
from growlearn.ingest.columns import NUMBER_PATTERN, is_text_type, truncate_repr
from growlearn.ingest.row_errors import RowError, RowErrors, refuse_if_all
from growlearn.ingest.rows import Column

ListShapes: TypeAlias = Mapping[int, tuple[int, ...]]
"""How long lists must be: by how deep they are nested, the length at each level."""


def is_list_type(arrow_type: Any) -> bool:
    """Whether an Arrow type holds lists."""
    return bool(pt.is_list(arrow_type) or pt.is_large_list(arrow_type) or pt.is_fixed_size_list(arrow_type))


def get_depth_and_leaf_type(arrow_type: Any) -> tuple[int, Any]:
    """The nesting depth of lists, and the type of their innermost values."""
    depth = 0
    while is_list_type(arrow_type):
        depth, arrow_type = depth + 1, arrow_type.value_type
    return depth, arrow_type


def get_list_lengths(column: Any) -> Column:
    """The length of each cell's list, int64 [N]; 0 for a null cell."""
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    return np.asarray(lengths.to_numpy(zero_copy_only=False), dtype=np.int64)


def flatten_valid_lists(
    column: Any, name: str, shapes: ListShapes, row_errors: RowErrors
) -> tuple[Column, Column]:
    """Rows [M] without errors, and the numbers of their lists [M, values].

    A row whose lists do not have the expected length is marked as an error. The column's depth must be in
    `shapes`.
    """
    row_indices = np.arange(len(column))
    is_valid = np.ones(len(column), dtype=bool)
    depth, _ = get_depth_and_leaf_type(column.type)
    column = column.combine_chunks()
    for expected_length in shapes[depth]:
        lengths = get_list_lengths(column)
        refuse_if_all(lengths != expected_length, f"{name} has the wrong size")
        for index in np.flatnonzero(lengths != expected_length):
            detail = f": lists of {lengths[index]} where {expected_length} are wanted"
            row_errors.setdefault(int(row_indices[index]), RowError(f"{name} has the wrong size", detail))
        row_indices = np.repeat(row_indices, lengths)
        column = column.flatten()
    is_valid[list(row_errors)] = False
    rows = np.flatnonzero(is_valid)
    return rows, to_numpy_numbers(column)[is_valid[row_indices]].reshape(
        len(rows), int(np.prod(shapes[depth]))
    )


def to_numpy_numbers(values: Any) -> Column:
    """An Arrow array of numbers as NumPy; integers stay integers unless some are missing (NaN)."""
    values = values.cast(pa.float64()) if pt.is_null(values.type) else values
    return np.asarray(values.to_numpy(zero_copy_only=False))


def as_number_lists(
    column: Any, name: str, wanted: str, row_errors: RowErrors, nested: tuple[int, ...] = ()
) -> Any:
    """The column as lists of numbers; text is parsed, with nested lists only of the shape `nested`.

    Raises InvalidFile for any other type.
    """
    if is_text_type(column.type):
        return _parse_lists(column, name, wanted, row_errors, nested)
    if pt.is_null(column.type):
        return column.cast(pa.list_(pa.float64()))
    leaf_type = get_depth_and_leaf_type(column.type)[1]
    if not is_list_type(column.type) or not (
        pt.is_integer(leaf_type) or pt.is_floating(leaf_type) or pt.is_null(leaf_type)
    ):
        raise InvalidFile(f"column {name!r} is {column.type}; wanted {wanted}")
    return column


def _parse_lists(column: Any, name: str, wanted: str, row_errors: RowErrors, nested: tuple[int, ...]) -> Any:
    """A column of lists as JSON, or of numbers with spaces between them -> flat lists of float64.

    Unreadable cells are marked as errors and become null; raises InvalidFile where all are.
    """
    cells = column.to_pylist()
    lists = [None if cell is None else _parse_list(cell, nested) for cell in cells]
    invalid_rows = [row for row, cell in enumerate(cells) if cell is not None and lists[row] is None]
    if invalid_rows and len(invalid_rows) == len(cells) - column.null_count:
        raise InvalidFile(
            f"column {name!r} holds text such as {truncate_repr(cells[invalid_rows[0]])}; wanted {wanted}"
        )
    for row in invalid_rows:
        row_errors.setdefault(
            row, RowError(f"{name} is no such list of numbers", f": {truncate_repr(cells[row])}")
        )
    return pa.chunked_array([pa.array(lists, pa.list_(pa.float64()))])


def _parse_list(cell: str, nested: tuple[int, ...]) -> list[float] | None:
    """Numbers of one cell, with nested lists flattened; None where it holds anything else."""
    if not cell.lstrip().startswith("["):
        words = cell.split()
        return [float(word) for word in words] if all(map(NUMBER_PATTERN.fullmatch, words)) else None
    try:
        parsed = json.loads(cell)
        if parsed and all(isinstance(inner, list) for inner in parsed):
            has_nested_shape = (len(parsed), *{len(inner) for inner in parsed}) == nested
            return (
                [_require_number(value) for inner in parsed for value in inner] if has_nested_shape else None
            )
        return [_require_number(value) for value in parsed]
    except (ValueError, OverflowError, RecursionError):
        return None


def _require_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("no number")
    return float(value)
