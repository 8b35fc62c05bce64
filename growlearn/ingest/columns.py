"""Number, category and task columns of an Arrow table -> arrays, with the rows that do not fit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import MAX_NAME_LENGTH
from growlearn.ingest.row_errors import RowError, RowErrors, mark_rows, refuse_if_all
from growlearn.ingest.rows import Column
from growlearn.ingest.spelling import EncodedTexts, spell, spell_uuids, to_doubles

NUMBER_PATTERN = re.compile(
    r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*|\s*[+-]?(nan|inf|infinity)\s*", re.IGNORECASE | re.ASCII
)
"""A number written as text."""
_BOOLEAN_VALUES = {"true": 1.0, "false": 0.0}
MISSING_WORDS = ("", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "nat", "null", "none")
"""How a cell of text says that it has no number, boolean or time, in lower case; a superset of pandas'."""


def unwrap_column(column: Any, *, keep_dictionary: bool = False) -> Any:
    """A column without the wrappers that do not change its values: extensions, dictionaries and runs.

    A dictionary of texts or bytes may be kept: a long one that many rows share would fill the memory.
    """
    if column.type == pa.uuid():
        return spell_uuids(column)
    if pt.is_run_end_encoded(column.type):
        column = pa.chunked_array(
            [pc.run_end_decode(chunk) for chunk in column.chunks], column.type.value_type
        )
    if isinstance(column.type, pa.BaseExtensionType):
        chunks = [chunk.storage for chunk in column.chunks]
        column = pa.chunked_array(chunks, column.type.storage_type)
    if not pt.is_dictionary(column.type) or (keep_dictionary and is_variable_length(column.type.value_type)):
        return column
    return column.cast(column.type.value_type)


def is_variable_length(arrow_type: Any) -> bool:
    """Whether a type holds texts or bytes, each value in a memory of its own."""
    kinds = (pt.is_string, pt.is_large_string, pt.is_binary, pt.is_large_binary)
    return any(is_kind(arrow_type) for is_kind in kinds)


def is_text_type(arrow_type: Any) -> bool:
    """Whether an Arrow type holds text."""
    return bool(pt.is_string(arrow_type) or pt.is_large_string(arrow_type) or pt.is_string_view(arrow_type))


def null_mask(column: Any) -> Column:
    """Mask of the null rows."""
    return np.asarray(column.is_null().to_numpy(), dtype=bool)


def null_where_missing(column: Any) -> Any:
    """A text column, null where a cell says that it holds no value, such as "NA" or "null"."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(column.cast(pa.string())))
    return pc.if_else(
        pc.is_in(words, pa.array(MISSING_WORDS, pa.string())), pa.scalar(None, column.type), column
    )


def decode_numbers(column: Any, name: str, row_errors: RowErrors, cells_are_text: bool) -> Column:
    """Column as float64 [N], NaN where it is missing; infinite and (in CSV) unreadable cells are errors.

    Raises InvalidFile for a column that holds no numbers.
    """
    column = unwrap_column(column)
    arrow_type = column.type
    if column.null_count == len(column):
        return np.full(len(column), np.nan)
    if cells_are_text and is_text_type(arrow_type):
        values = _parse_numbers(column, name, row_errors)
    elif _is_number_type(arrow_type) or pt.is_boolean(arrow_type) or pt.is_null(arrow_type):
        values = to_doubles(column)
    else:
        raise InvalidFile(f"column {name!r} is {arrow_type}; wanted numbers")
    mark_rows(row_errors, np.isinf(values), RowError(f"{name} is infinite"))
    return np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN; + 0.0: -0.0 becomes 0.0


def _is_number_type(arrow_type: Any) -> bool:
    return bool(pt.is_integer(arrow_type) or pt.is_floating(arrow_type) or pt.is_decimal(arrow_type))


def _parse_numbers(column: Any, name: str, row_errors: RowErrors) -> Column:
    try:
        return to_doubles(column)
    except pa.ArrowInvalid:
        column = null_where_missing(column)
    try:
        return to_doubles(column)
    except pa.ArrowInvalid:
        pass  # some cell is not a plain number: find out which
    cells = column.to_pylist()
    values = [_parse_number(cell) for cell in cells]
    invalid_rows = [row for row, value in enumerate(values) if value is None and cells[row] is not None]
    if invalid_rows and len(invalid_rows) == len(cells) - column.null_count:
        raise InvalidFile(
            f"column {name!r} holds text such as {truncate_repr(cells[invalid_rows[0]])}; wanted numbers"
        )
    for row in invalid_rows:
        row_errors.setdefault(row, RowError(f"{name} is not a number", f": {truncate_repr(cells[row])}"))
    return to_doubles(pa.array(values, pa.float64()))


def _parse_number(cell: str | None) -> float | None:
    if cell is None:
        return None
    if NUMBER_PATTERN.fullmatch(cell):
        return float(cell)
    return _BOOLEAN_VALUES.get(cell.strip().lower())


def truncate_repr(cell: object) -> str:
    """A cell's repr in a reason, at most 40 characters long."""
    text = repr(cell)
    return text if len(text) <= 40 else f"{text[:37]}..."


def decode_texts(column: Any, name: str, row_errors: RowErrors, *, required: bool = True) -> Column:
    """Column as object [N] of str, None where it is missing; each value in its one spelling.

    Where values are `required`, as tasks and ids are, missing ones and those too long for a name are errors.
    Raises InvalidFile for a column of another kind.
    """
    column = unwrap_column(column, keep_dictionary=True)
    encoded = spell(column, f"column {name!r}", "wanted text or whole numbers")
    if required:
        mark_rows(row_errors, encoded.indices < 0, RowError(f"{name} is missing"))
        mark_long_names(encoded, name, row_errors)
    return encoded.decode()


def spell_ids(row_ids: Sequence[str | int | None]) -> list[str | None]:
    """Row ids as text, each in the one spelling by which labels find their rows.

    >>> spell_ids([7, " 7.0", None, "007"])
    ['7', '7', None, '007']
    """
    texts = pa.array([None if row_id is None else str(row_id) for row_id in row_ids], pa.string())
    return list(decode_texts(pa.chunked_array([texts]), "id", {}, required=False))


def mark_long_names(encoded: EncodedTexts, name: str, row_errors: RowErrors) -> None:
    """Mark the rows whose text has more than MAX_NAME_LENGTH characters, with their number."""
    num_characters = np.asarray(pc.utf8_length(encoded.texts).to_numpy(zero_copy_only=False))
    lengths = np.append(num_characters, 0)[encoded.indices]
    refuse_if_all(lengths > MAX_NAME_LENGTH, f"{name} is too long")
    for row in np.flatnonzero(lengths > MAX_NAME_LENGTH):
        detail = f": {lengths[row]:,} characters, at most {MAX_NAME_LENGTH} are a name"
        row_errors.setdefault(int(row), RowError(f"{name} is too long", detail))
