"""Boolean columns of an Arrow table -> "true" and "false"."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.errors import InvalidFile
from growlearn.ingest.columns import is_text_type, null_where_missing, truncate_repr, unwrap_column
from growlearn.ingest.row_errors import RowError, RowErrors
from growlearn.ingest.rows import Column, object_column

_TRUE_TEXTS = ("true", "t", "yes", "y", "1", "1.0")
_FALSE_TEXTS = ("false", "f", "no", "n", "0", "0.0")


def decode_booleans(column: Any, name: str, row_errors: RowErrors) -> Column:
    """Column as object [N] of "true", "false", or None where it is missing.

    Read are booleans, the numbers 0 and 1, and text in any case: true, t, yes, y, 1 and their opposites.
    Other cells are marked as errors. Raises InvalidFile for a column that holds no boolean.
    """
    column = unwrap_column(column)
    arrow_type = column.type
    if pt.is_null(arrow_type):
        return object_column([None] * len(column))
    if pt.is_integer(arrow_type) or pt.is_floating(arrow_type) or pt.is_decimal(arrow_type):
        texts = _number_texts(column)
    elif is_text_type(arrow_type) or pt.is_boolean(arrow_type):
        texts = null_where_missing(column.cast(pa.string()))
    else:
        raise InvalidFile(f"column {name!r} is {arrow_type}; wanted booleans")
    words = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    is_true = pc.is_in(words, pa.array(_TRUE_TEXTS))
    is_false = pc.is_in(words, pa.array(_FALSE_TEXTS))
    values = pc.if_else(is_true, "true", pc.if_else(is_false, "false", pa.scalar(None, pa.string())))
    _mark_unreadable(column, name, pc.and_(pc.is_null(values), pc.is_valid(texts)), row_errors)
    return object_column(values.to_pylist())


def _number_texts(column: Any) -> Any:
    """Text "0" and "1" where a number is so, null for NaN, and another text elsewhere."""
    numbers = column.cast(pa.float64(), safe=False)
    present = pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    return pc.if_else(pc.equal(present, 1.0), "1", pc.if_else(pc.equal(present, 0.0), "0", "neither"))


def _mark_unreadable(column: Any, name: str, unreadable: Any, row_errors: RowErrors) -> None:
    rows = [row for row, is_bad in enumerate(unreadable.to_pylist()) if is_bad]
    if not rows:
        return
    cells = column.take(pa.array(rows)).to_pylist()
    if len(rows) == len(column) - column.null_count:
        raise InvalidFile(
            f"column {name!r} holds values such as {truncate_repr(cells[0])}; wanted booleans",
            hint="write true and false, or 1 and 0; or give the column another type",
        )
    for row, cell in zip(rows, cells, strict=True):
        row_errors.setdefault(row, RowError(f"{name} is not a boolean", f": {truncate_repr(cell)}"))
