"""The label column of an Arrow table -> int, str or None a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import Label, sort_labels
from growlearn.ingest.columns import cast_to_integers, is_text_type, unwrap_column
from growlearn.ingest.row_errors import RowError, RowErrors, mark_rows
from growlearn.ingest.rows import Column, object_column

_EXPECTED_LABELS = "labels must be integers, strings or booleans"
_WHOLE_NUMBER_PATTERN = r"^\s*[+-]?[0-9]{1,18}\s*$"
_MIN_INTEGER_FRACTION = 0.9
_KIND_NAMES = {int: "integers", str: "text"}


def decode_labels(
    column: Any, name: str, row_errors: RowErrors, cells_are_text: bool, label_kind: type | None = None
) -> Column:
    """Labels as object [N] of int, str or None (not known yet); booleans become 0 and 1.

    `label_kind` is int or str where the stream's labels already have one kind. Floats are accepted where all
    are whole, because pandas writes integers with missing values as floats. Empty strings are marked as
    errors, and in CSV the few cells that are not numbers where the others are. Raises InvalidFile for any
    other kind.
    """
    column = unwrap_column(column)
    if cells_are_text and label_kind is not str:
        column = _parse_integers(column, name, row_errors, label_kind)
    labels = _decode_label_column(column, name, row_errors)
    _require_known_label_kind(labels, name, label_kind)
    return labels


def frequent_labels(
    labels: Iterable[Label | None], min_rows: int
) -> tuple[tuple[Label, ...], tuple[Label, ...]]:
    """Labels with at least `min_rows` rows, and the others; all labels where none has so many.

    >>> frequent_labels([1, 1, 1, 0, 0, 7, None], 2)
    ((0, 1), (7,))
    >>> frequent_labels(["a", "b"], 2)
    (('a', 'b'), ())
    """
    counts = Counter(label for label in labels if label is not None)
    frequent = sort_labels(label for label, count in counts.items() if count >= min_rows)
    if not frequent:
        return sort_labels(counts), ()
    return frequent, sort_labels(label for label in counts if label not in frequent)


def _decode_label_column(column: Any, name: str, row_errors: RowErrors) -> Column:
    arrow_type = column.type
    if pt.is_floating(arrow_type):
        return _cast_to_int64(cast_to_integers(column, f"label column {name!r}", _EXPECTED_LABELS), name)
    if pt.is_boolean(arrow_type) or pt.is_integer(arrow_type):
        return _cast_to_int64(column, name)
    if is_text_type(arrow_type):
        labels = object_column(column.to_pylist())
        mark_rows(row_errors, labels == "", RowError(f"{name} is an empty string"))
        return labels
    if pt.is_null(arrow_type):
        return object_column([None] * len(column))
    raise InvalidFile(f"label column {name!r} is {arrow_type}; {_EXPECTED_LABELS}")


def _require_known_label_kind(labels: Column, name: str, label_kind: type | None) -> None:
    mismatch = (
        None
        if label_kind is None
        else next((label for label in labels if label is not None and type(label) is not label_kind), None)
    )
    if label_kind is not None and mismatch is not None:
        raise InvalidFile(
            f"label column {name!r} holds {_KIND_NAMES[type(mismatch)]} such as {mismatch!r}; "
            f"the labels of this stream are {_KIND_NAMES[label_kind]}"
        )


def _cast_to_int64(column: Any, name: str) -> Column:
    try:
        return object_column(column.cast(pa.int64()).to_pylist())
    except pa.ArrowInvalid as error:
        raise InvalidFile(f"label column {name!r} holds an integer of more than 64 bits") from error


def _parse_integers(column: Any, name: str, row_errors: RowErrors, label_kind: type | None) -> Any:
    """CSV has no types: integers where (nearly) all cells are whole; else booleans; else text."""
    for arrow_type in (pa.int64(), pa.float64(), pa.bool_()):
        try:
            parsed = column.cast(arrow_type)
        except pa.ArrowInvalid:
            continue
        return (
            cast_to_integers(parsed, f"label column {name!r}", _EXPECTED_LABELS)
            if pt.is_floating(arrow_type)
            else parsed
        )
    is_whole = pc.fill_null(pc.match_substring_regex(column, _WHOLE_NUMBER_PATTERN), True)
    whole_fraction = (
        pc.mean(pc.drop_null(pc.match_substring_regex(column, _WHOLE_NUMBER_PATTERN))).as_py() or 0.0
    )
    if whole_fraction < _MIN_INTEGER_FRACTION and (label_kind is None or whole_fraction == 0):
        return column
    for row in [row for row, fit in enumerate(is_whole.to_pylist()) if not fit]:
        row_errors.setdefault(
            row, RowError(f"{name} is not a whole number as the others are", f": {column[row].as_py()!r}")
        )
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(is_whole, trimmed, pa.scalar(None, trimmed.type)).cast(pa.int64())
