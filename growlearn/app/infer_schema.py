"""Infers the likely role of a column: an input of some type, the label, or unusable."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
from PIL import Image, UnidentifiedImageError

from growlearn.app.infer_lists import infer_list_input
from growlearn.domain.schema import InputColumn, InputType

_LABEL_NAMES = ("label", "labels", "target", "class", "y", "category", "fine_label", "species", "outcome")
_INDEX_NAMES = ("__index_level_0__", "Unnamed: 0", "")
_MAX_CLASSES = 100
_MAX_SMALL_COLUMN_ROWS = 20


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
    data_type = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (
        pa.types.is_integer(data_type) or pa.types.is_boolean(data_type) or pa.types.is_string(data_type)
    ):
        return False
    distinct = len(column.drop_null().unique())
    return 2 <= distinct <= min(_MAX_CLASSES, max(2, len(column) // 2))


def infer_input(column: Any, name: str) -> InputColumn | str:
    """The likely input type of a column, or why it is excluded."""
    if name in _INDEX_NAMES:
        return "the index that pandas wrote"
    data_type = column.type
    if pa.types.is_dictionary(data_type):
        data_type = data_type.value_type
    if pa.types.is_integer(data_type) or pa.types.is_floating(data_type) or pa.types.is_decimal(data_type):
        return InputColumn(type=InputType.NUMBER)
    if pa.types.is_boolean(data_type) or pa.types.is_string(data_type) or pa.types.is_large_string(data_type):
        return _category_input(column)
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


def _category_input(column: Any) -> InputColumn | str:
    present = column.drop_null()
    if len(present) > _MAX_SMALL_COLUMN_ROWS and len(present.unique()) > 0.9 * len(present):
        return "nearly every value occurs once, as names and dates do"
    return InputColumn(type=InputType.CATEGORY)


def read_image_shape(content: bytes) -> tuple[int, int, int] | None:
    """(channels, height, width) of PNG or JPEG bytes; None where they are neither."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            channels = 1 if image.mode in ("1", "L", "I;16", "I") else 3
            return channels, image.height, image.width
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None
