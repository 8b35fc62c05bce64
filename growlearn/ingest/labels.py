"""The label column of an Arrow table -> int, str or None a row."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from growlearn.domain.errors import UnreadableFile
from growlearn.ingest.columns import is_text, plain, whole_numbers
from growlearn.ingest.flaws import Flaw, Flaws, flag
from growlearn.ingest.rows import Column, object_column

_WANTED = "labels must be integers, strings or booleans"


def decode_labels(column: Any, name: str, flaws: Flaws, cells_are_text: bool) -> Column:
    """Labels as object [N] of int, str or None (not known yet); booleans become 0 and 1.

    Floats are read where all are whole, for pandas writes integers with gaps so. Empty strings are
    flagged. Raises UnreadableFile for any other kind.
    """
    column = plain(column)
    if cells_are_text:
        column = _kind_of_text(column, name)
    kind = column.type
    if pt.is_floating(kind):
        return _integers(whole_numbers(column, f"label column {name!r}", _WANTED), name)
    if pt.is_boolean(kind) or pt.is_integer(kind):
        return _integers(column, name)
    if is_text(kind):
        labels = object_column(column.to_pylist())
        flag(flaws, labels == "", Flaw(f"{name} is an empty string"))
        return labels
    if pt.is_null(kind):
        return object_column([None] * len(column))
    raise UnreadableFile(f"label column {name!r} is {kind}; {_WANTED}")


def _integers(column: Any, name: str) -> Column:
    try:
        return object_column(column.cast(pa.int64()).to_pylist())
    except pa.ArrowInvalid as error:
        raise UnreadableFile(f"label column {name!r} holds an integer of more than 64 bits") from error


def _kind_of_text(column: Any, name: str) -> Any:
    """CSV says nothing of kinds: whole numbers where all cells are, else booleans, else the text itself."""
    for kind in (pa.int64(), pa.float64(), pa.bool_()):
        try:
            read = column.cast(kind)
        except pa.ArrowInvalid:
            continue
        return whole_numbers(read, f"label column {name!r}", _WANTED) if pt.is_floating(kind) else read
    return column
