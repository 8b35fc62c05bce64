"""List columns of an Arrow table -> arrays, and lists written as text, as in CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.errors import UnreadableFile
from growlearn.ingest.columns import NUMBER, is_text, shortened
from growlearn.ingest.flaws import Flaw, Flaws
from growlearn.ingest.rows import Column

Forms: TypeAlias = Mapping[int, tuple[int, ...]]
"""How long lists must be: by how deep they are nested, the length at each level."""


def is_list(kind: Any) -> bool:
    """Whether an Arrow type holds lists."""
    return bool(pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind))


def depth_and_leaf(kind: Any) -> tuple[int, Any]:
    """How deep lists are nested, and the type of what they hold at last."""
    depth = 0
    while is_list(kind):
        depth, kind = depth + 1, kind.value_type
    return depth, kind


def lengths_of(column: Any) -> Column:
    """How long each cell's list is, int64 [N]; 0 for a cell that holds nothing."""
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    return np.asarray(lengths.to_numpy(zero_copy_only=False), dtype=np.int64)


def equal_lists(column: Any, name: str, forms: Forms, flaws: Flaws) -> tuple[Column, Column]:
    """Rows [M] that have no flaw, and the numbers of their lists [M, values].

    A row whose lists are not as long as its form says is flagged. The column's depth must be in `forms`.
    """
    row_of = np.arange(len(column))
    whole = np.ones(len(column), dtype=bool)
    depth, _ = depth_and_leaf(column.type)
    column = column.combine_chunks()
    for wanted in forms[depth]:
        lengths = lengths_of(column)
        for place in np.flatnonzero(lengths != wanted):
            found = f": lists of {lengths[place]} where {wanted} are wanted"
            flaws.setdefault(int(row_of[place]), Flaw(f"{name} has the wrong size", found))
        row_of = np.repeat(row_of, lengths)
        column = column.flatten()
    whole[list(flaws)] = False
    rows = np.flatnonzero(whole)
    return rows, numbers_of(column)[whole[row_of]].reshape(len(rows), int(np.prod(forms[depth])))


def numbers_of(values: Any) -> Column:
    """An Arrow array of numbers; integers stay as they are unless some are missing, which become NaN."""
    values = values.cast(pa.float64()) if pt.is_null(values.type) else values
    return np.asarray(values.to_numpy(zero_copy_only=False))


def readable(column: Any, name: str, wanted: str, flaws: Flaws, nested: tuple[int, ...] = ()) -> Any:
    """The column as lists of numbers; text is read as such, nested lists in it only as long as `nested` says.

    Raises UnreadableFile for any other type.
    """
    if is_text(column.type):
        return _lists_of_text(column, name, wanted, flaws, nested)
    if pt.is_null(column.type):
        return column.cast(pa.list_(pa.float64()))
    leaf = depth_and_leaf(column.type)[1]
    if not is_list(column.type) or not (pt.is_integer(leaf) or pt.is_floating(leaf) or pt.is_null(leaf)):
        raise UnreadableFile(f"column {name!r} is {column.type}; wanted {wanted}")
    return column


def _lists_of_text(column: Any, name: str, wanted: str, flaws: Flaws, nested: tuple[int, ...]) -> Any:
    """A column of lists as JSON, or of numbers with spaces between them -> flat lists of float64.

    Unreadable cells are flagged and become null; raises UnreadableFile where all are.
    """
    cells = column.to_pylist()
    lists = [None if cell is None else _list_of_text(cell, nested) for cell in cells]
    unread = [row for row, cell in enumerate(cells) if cell is not None and lists[row] is None]
    if unread and len(unread) == len(cells) - column.null_count:
        raise UnreadableFile(
            f"column {name!r} holds text such as {shortened(cells[unread[0]])}; wanted {wanted}"
        )
    for row in unread:
        flaws.setdefault(row, Flaw(f"{name} is no such list of numbers", f": {shortened(cells[row])}"))
    return pa.chunked_array([pa.array(lists, pa.list_(pa.float64()))])


def _list_of_text(cell: str, nested: tuple[int, ...]) -> list[float] | None:
    """Numbers of one cell, nested lists one after the other; None where it holds anything else."""
    if not cell.lstrip().startswith("["):
        words = cell.split()
        return [float(word) for word in words] if all(map(NUMBER.fullmatch, words)) else None
    try:
        listed = json.loads(cell)
        if listed and all(isinstance(inner, list) for inner in listed):
            as_wanted = (len(listed), *{len(inner) for inner in listed}) == nested
            return [_number(value) for inner in listed for value in inner] if as_wanted else None
        return [_number(value) for value in listed]
    except (ValueError, OverflowError, RecursionError):
        return None


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("no number")
    return float(value)
