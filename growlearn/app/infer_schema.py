"""Infers the likely role of a column: an input of some type, the label, or unusable."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image, UnidentifiedImageError

from growlearn.app.infer_lists import infer_list_input
from growlearn.app.infer_texts import infer_text_input
from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.columns import is_text_type, truncate_repr, unwrap_column
from growlearn.ingest.datetimes import decode_datetimes
from growlearn.ingest.images import read_orientation
from growlearn.ingest.row_errors import RowErrors

_LABEL_NAMES = ("label", "labels", "target", "class", "y", "category", "fine_label", "species", "outcome")
_INDEX_NAMES = ("__index_level_0__", "Unnamed: 0", "")
_ID_NAME = re.compile(r"(?:^|[_\W])(?:id|ids|uuid|guid|key|index|idx|nr|no)$", re.IGNORECASE)
_CAMEL_CASE_ID = re.compile(r"[a-z](?:Id|ID|Key|Index)$")
_TIME_PATTERN = r"^\s*\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
_UNCLEAR_DATE_PATTERN = r"^\s*\d{1,2}(/\d{1,2}/(\d{4}|\d\d)|[-.]\d{1,2}[-.]\d{4})\b"
_MAX_CLASSES = 100
_MIN_ROWS_A_VALUE = 20  # of the rows read, to say what a column of few values is
_MIN_ROWS_TO_TELL = 100  # of fewer its name decides
_MAX_SMALL_COLUMN_ROWS = 20  # too few to call a column constant or an identifier
_IDENTIFIER = "an identifier, different in every row; as schema.id_column it would let labels arrive later"


def guess_label(table: Any) -> tuple[str, tuple[str, ...]]:
    """The likely label column, and other candidates; none where the name is a usual one.

    Without such a name it is the last column of few distinct values, or else the last.
    """
    by_name = {name.lower(): name for name in reversed(table.column_names)}
    named = next((by_name[name] for name in _LABEL_NAMES if name in by_name), None)
    if named is not None:
        return named, ()
    candidates = [name for name in table.column_names if _could_be_label(table.column(name))]
    label_column = candidates[-1] if candidates else table.column_names[-1]
    return label_column, tuple(name for name in candidates if name != label_column)


def _could_be_label(column: Any) -> bool:
    distinct = _count_values(column)
    return distinct is not None and 2 <= distinct <= min(_MAX_CLASSES, max(2, len(column) // 2))


def _count_values(column: Any) -> int | None:
    """How many values a column of whole numbers, booleans or text has; None for another column."""
    data_type = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    is_plain = pa.types.is_integer(data_type) or pa.types.is_boolean(data_type) or is_text_type(data_type)
    return len(column.drop_null().unique()) if is_plain else None


def could_be_task(column: Any) -> bool:
    """Whether a column may name regimes: in every row, and with many rows for each of few values."""
    distinct = _count_values(column)
    if distinct is None or column.null_count:
        return False
    return len(column) < _MIN_ROWS_TO_TELL or distinct * _MIN_ROWS_A_VALUE <= len(column)


def tells_label(table: Any, name: str, label: str) -> bool:
    """Whether each value of a column goes with one label, and each label with one value."""
    distinct, num_labels = _count_values(table.column(name)), _count_values(table.column(label))
    if distinct is None or distinct != num_labels or distinct < 2:
        return False
    if distinct * _MIN_ROWS_A_VALUE > table.num_rows:
        return False  # by chance
    return bool(table.select([name, label]).group_by([name, label]).aggregate([]).num_rows == distinct)


def infer_input(column: Any, name: str) -> InputColumn | str:
    """The likely input type of a column, or why it is excluded."""
    if name in _INDEX_NAMES:
        return "the index that pandas wrote"
    scalar_input = _infer_scalar_input(unwrap_column(column), name)
    if scalar_input is not None:
        return scalar_input
    data_type = column.type
    present = column.drop_null()
    first = present[0].as_py() if len(present) else None
    content = first.get("bytes") if isinstance(first, dict) else first
    if isinstance(content, bytes):
        shape = read_image_shape(content)
        return (
            "its bytes are no PNG or JPEG"
            if shape is None
            else InputColumn(type=InputType.IMAGE, shape=shape)
        )
    if isinstance(content, list):
        return infer_list_input(present)
    return f"values of type {data_type} cannot be read"


def _infer_scalar_input(column: Any, name: str) -> InputColumn | str | None:
    """The type of numbers, text, booleans and times, or why they are excluded; None for other values."""
    data_type, types = column.type, pa.types
    is_text = is_text_type(data_type)
    is_time = types.is_timestamp(data_type) or types.is_date(data_type)
    is_number = types.is_integer(data_type) or types.is_floating(data_type) or types.is_decimal(data_type)
    if not (is_text or is_time or is_number or types.is_boolean(data_type) or types.is_null(data_type)):
        return None
    constant = _describe_constant(column)
    if constant is not None:
        return constant
    if is_time or (is_text and _is_text_of_times(column)):
        return InputColumn(type=InputType.DATETIME)
    if is_number:
        return _IDENTIFIER if _is_number_identifier(column, name) else InputColumn(type=InputType.NUMBER)
    return (_describe_unclear_dates(column) if is_text else None) or _infer_words(column)


def _describe_unclear_dates(column: Any) -> str | None:
    """Why dates that begin with a day or a month are excluded; None for other text."""
    present = column.drop_null()
    if not pc.all(pc.match_substring_regex(present, _UNCLEAR_DATE_PATTERN)).as_py():
        return None
    return (
        f"dates such as {truncate_repr(present[0].as_py())}, which do not tell the day from the month; "
        "written year first, such as 2026-01-31, they are read as times"
    )


def _describe_constant(column: Any) -> str | None:
    """Why a column tells nothing, having no value or the same in every row; None where it tells something."""
    present = column.drop_null()
    if len(present) == 0:
        return "no value in any row read"
    if len(column) <= _MAX_SMALL_COLUMN_ROWS or column.null_count or len(present.unique()) > 1:
        return None
    return f"a constant, {truncate_repr(present[0].as_py())} in each of the {len(column):,} rows read"


def _is_number_identifier(column: Any, name: str) -> bool:
    """Whole numbers, another in every row, that only rise or fall, or are named like an identifier."""
    if not pa.types.is_integer(column.type) or len(column) <= _MAX_SMALL_COLUMN_ROWS or column.null_count:
        return False
    if len(column.unique()) < len(column):
        return False
    values = column.to_numpy()
    is_monotonic = (values[1:] > values[:-1]).all() or (values[1:] < values[:-1]).all()
    return bool(is_monotonic) or _has_id_name(name)


def _has_id_name(name: str) -> bool:
    """Whether a column is named as identifiers are.

    >>> [_has_id_name(name) for name in ("id", "order_id", "orderId", "OrderID", "paid", "humid", "valid")]
    [True, True, True, True, False, False, False]
    """
    return bool(_ID_NAME.search(name) or _CAMEL_CASE_ID.search(name))


def _is_text_of_times(column: Any) -> bool:
    """Whether every value is a date or time that begins with its year."""
    present = column.drop_null()
    if not pc.all(pc.match_substring_regex(present, _TIME_PATTERN)).as_py():
        return False
    row_errors: RowErrors = {}
    try:
        times = decode_datetimes(present, "", row_errors)
    except InvalidFile:
        return False
    return not row_errors and not np.isnat(times).any()


def _infer_words(column: Any) -> InputColumn | str:
    present = column.drop_null()
    distinct = present.unique()
    text_input = infer_text_input(distinct.to_pylist(), len(present))
    if text_input is not None:
        return text_input
    if len(present) > _MAX_SMALL_COLUMN_ROWS and len(distinct) > 0.9 * len(present):
        all_differ = len(distinct) == len(column)
        return (
            _IDENTIFIER
            if all_differ
            else "nearly every value occurs once, as names do; with {type: text} its words are read"
        )
    words = {str(word).strip().lower() for word in distinct.to_pylist()}
    return InputColumn(type=InputType.BOOLEAN if words == {"true", "false"} else InputType.CATEGORY)


def read_image_shape(content: bytes) -> tuple[int, int, int] | None:
    """(channels, height, width) of PNG or JPEG bytes, as viewers show them; None where they are neither."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            channels = 1 if image.mode in ("1", "L", "I;16", "I") else 3
            width, height = image.size if read_orientation(image) < 5 else image.size[::-1]
            return channels, height, width
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None
