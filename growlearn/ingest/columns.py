"""Number, category and task columns of an Arrow table -> arrays, with the rows that do not fit."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.errors import UnreadableFile
from growlearn.ingest.flaws import Flaw, Flaws, flag
from growlearn.ingest.rows import Column, object_column

NUMBER = re.compile(
    r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*|\s*[+-]?(nan|inf|infinity)\s*", re.IGNORECASE | re.ASCII
)
"""How a number is written in text."""
_TRUTH = {"true": 1.0, "false": 0.0}


def plain(column: Any) -> Any:
    """A column without the wrappings that do not change its values: extensions and dictionaries."""
    if isinstance(column.type, pa.BaseExtensionType):
        chunks = [chunk.storage for chunk in column.chunks]
        column = pa.chunked_array(chunks, column.type.storage_type)
    return column.cast(column.type.value_type) if pt.is_dictionary(column.type) else column


def is_text(kind: Any) -> bool:
    """Whether an Arrow type holds text."""
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def nulls(column: Any) -> Column:
    """Mask of the rows that hold nothing."""
    return np.asarray(column.is_null().to_numpy(), dtype=bool)


def decode_numbers(column: Any, name: str, flaws: Flaws, cells_are_text: bool) -> Column:
    """Column as float64 [N]; missing, NaN, infinite and (in CSV) unreadable cells are flagged.

    Raises UnreadableFile for a column that holds no numbers.
    """
    column = plain(column)
    kind = column.type
    flag(flaws, nulls(column), Flaw(f"{name} is missing"))
    if cells_are_text and is_text(kind):
        values = _numbers_of_text(column, name, flaws)
    elif _is_number(kind) or pt.is_boolean(kind) or pt.is_null(kind):
        values = column.cast(pa.float64(), safe=False).to_numpy()
    else:
        raise UnreadableFile(f"column {name!r} is {kind}; wanted numbers")
    flag(flaws, np.isnan(values), Flaw(f"{name} is NaN"))
    flag(flaws, np.isinf(values), Flaw(f"{name} is infinite"))
    return np.asarray(values + 0.0, dtype=np.float64)  # + 0.0: minus zero and zero are one number


def _is_number(kind: Any) -> bool:
    return bool(pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind))


def _numbers_of_text(column: Any, name: str, flaws: Flaws) -> Column:
    try:
        return np.asarray(column.cast(pa.float64()).to_numpy())
    except pa.ArrowInvalid:
        pass  # some cell is no plain number: find out which
    cells = column.to_pylist()
    values = [_number_of(cell) for cell in cells]
    unread = [i for i, value in enumerate(values) if value is None and cells[i] is not None]
    if len(unread) == len(cells) - column.null_count:
        raise UnreadableFile(
            f"column {name!r} holds text such as {shortened(cells[unread[0]])}; wanted numbers"
        )
    for i in unread:
        flaws.setdefault(i, Flaw(f"{name} is not a number", f": {shortened(cells[i])}"))
    return np.array([np.nan if value is None else value for value in values])


def _number_of(cell: str | None) -> float | None:
    if cell is None:
        return None
    if NUMBER.fullmatch(cell):
        return float(cell)
    return _TRUTH.get(cell.strip().lower())


def shortened(cell: object) -> str:
    """A cell as a reason shows it, at most 40 characters long."""
    text = repr(cell)
    return text if len(text) <= 40 else f"{text[:37]}..."


def decode_texts(column: Any, name: str, flaws: Flaws) -> Column:
    """Column as object [N] of str, None where flagged as missing; whole numbers become their digits.

    Raises UnreadableFile for a column of another kind.
    """
    column = plain(column)
    flag(flaws, nulls(column), Flaw(f"{name} is missing"))
    kind = column.type
    if pt.is_floating(kind):  # whole numbers with gaps are floats in pandas
        column, kind = whole_numbers(column, f"column {name!r}", "wanted text or whole numbers"), pa.int64()
        flag(flaws, nulls(column), Flaw(f"{name} is missing"))
    if not (is_text(kind) or pt.is_integer(kind) or pt.is_boolean(kind) or pt.is_null(kind)):
        raise UnreadableFile(f"column {name!r} is {kind}; wanted text or whole numbers")
    return object_column(column.cast(pa.large_string()).to_pylist())


def whole_numbers(column: Any, what: str, wanted: str) -> Any:
    """A float column as int64, NaN as null; raises UnreadableFile where a value is not whole."""
    values = column.cast(pa.float64())
    known = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    try:
        return known.cast(pa.int64())
    except pa.ArrowInvalid:
        raise UnreadableFile(f"{what} is {column.type} with values that are not whole; {wanted}") from None
