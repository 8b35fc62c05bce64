"""The label column of an Arrow table -> int, str or None a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.errors import UnreadableFile
from growlearn.domain.schema import Label, ordered
from growlearn.ingest.columns import is_text, plain, whole_numbers
from growlearn.ingest.flaws import Flaw, Flaws, flag
from growlearn.ingest.rows import Column, object_column

_WANTED = "labels must be integers, strings or booleans"
_WHOLE_NUMBER = r"^\s*[+-]?[0-9]{1,18}\s*$"
_NEARLY_ALL = 0.9
_KIND_NAMES = {int: "integers", str: "text"}


def decode_labels(
    column: Any, name: str, flaws: Flaws, cells_are_text: bool, kind: type | None = None
) -> Column:
    """Labels as object [N] of int, str or None (not known yet); booleans become 0 and 1.

    `kind` is int or str where the stream's labels are of one kind already. Floats are read where all
    are whole, for pandas writes integers with gaps so. Empty strings are flagged, and in CSV the few
    cells that are no number where the others are. Raises UnreadableFile for any other kind.
    """
    column = plain(column)
    if cells_are_text and kind is not str:
        column = _integers_of_text(column, name, flaws, kind)
    found = _decode(column, name, flaws)
    _require_kind(found, name, kind)
    return found


def speaking(labels: Iterable[Label | None], least: int) -> tuple[tuple[Label, ...], tuple[Label, ...]]:
    """Labels of at least so many rows, which speak for a class, and the others; all where none has so many.

    >>> speaking([1, 1, 1, 0, 0, 7, None], 2)
    ((0, 1), (7,))
    >>> speaking(["a", "b"], 2)
    (('a', 'b'), ())
    """
    counts = Counter(label for label in labels if label is not None)
    frequent = ordered(label for label, count in counts.items() if count >= least)
    if not frequent:
        return ordered(counts), ()
    return frequent, ordered(label for label in counts if label not in frequent)


def _decode(column: Any, name: str, flaws: Flaws) -> Column:
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


def _require_kind(labels: Column, name: str, kind: type | None) -> None:
    other = None if kind is None else next((x for x in labels if x is not None and type(x) is not kind), None)
    if kind is not None and other is not None:
        raise UnreadableFile(
            f"label column {name!r} holds {_KIND_NAMES[type(other)]} such as {other!r}; "
            f"the labels of this stream are {_KIND_NAMES[kind]}"
        )


def _integers(column: Any, name: str) -> Column:
    try:
        return object_column(column.cast(pa.int64()).to_pylist())
    except pa.ArrowInvalid as error:
        raise UnreadableFile(f"label column {name!r} holds an integer of more than 64 bits") from error


def _integers_of_text(column: Any, name: str, flaws: Flaws, kind: type | None) -> Any:
    """CSV says nothing of kinds: whole numbers where (nearly) all cells are; else booleans; else text."""
    for wanted in (pa.int64(), pa.float64(), pa.bool_()):
        try:
            read = column.cast(wanted)
        except pa.ArrowInvalid:
            continue
        return whole_numbers(read, f"label column {name!r}", _WANTED) if pt.is_floating(wanted) else read
    fits = pc.fill_null(pc.match_substring_regex(column, _WHOLE_NUMBER), True)
    share = pc.mean(pc.drop_null(pc.match_substring_regex(column, _WHOLE_NUMBER))).as_py() or 0.0
    if share < _NEARLY_ALL and (kind is None or share == 0):
        return column
    for row in [row for row, fit in enumerate(fits.to_pylist()) if not fit]:
        flaws.setdefault(
            row, Flaw(f"{name} is not a whole number as the others are", f": {column[row].as_py()!r}")
        )
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(fits, trimmed, pa.scalar(None, trimmed.type)).cast(pa.int64())
