"""What a column seems to be: an input of some type, the label, or nothing a stem can read."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
from PIL import Image, UnidentifiedImageError

from growlearn.app.listing import listed
from growlearn.domain.schema import Input, InputType

_LABEL_NAMES = ("label", "labels", "target", "class", "y", "category", "fine_label", "species", "outcome")
_INDEX_NAMES = ("__index_level_0__", "Unnamed: 0", "")
_MOST_CLASSES = 100
_FEW_ROWS = 20


def guess_label(table: Any) -> tuple[str, tuple[str, ...]]:
    """The column that seems to be the label, and others that could be; none where a name says it.

    Without such a name it is the last column of few distinct values, or else the last.
    """
    by_name = {name.lower(): name for name in reversed(table.column_names)}
    named = next((by_name[name] for name in _LABEL_NAMES if name in by_name), None)
    if named is not None:
        return named, ()
    likely = [name for name in table.column_names if _could_be_label(table.column(name))]
    chosen = likely[-1] if likely else table.column_names[-1]
    return chosen, tuple(name for name in likely if name != chosen)


def _could_be_label(column: Any) -> bool:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind)):
        return False
    distinct = len(column.drop_null().unique())
    return 2 <= distinct <= min(_MOST_CLASSES, max(2, len(column) // 2))


def input_of(column: Any, name: str) -> Input | str:
    """What a column seems to be, or why it had better be left out."""
    if name in _INDEX_NAMES:
        return "the index that pandas wrote"
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Input(type=InputType.NUMBER)
    if pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _category(column)
    present = column.drop_null()
    first = present[0].as_py() if len(present) else None
    content = first.get("bytes") if isinstance(first, dict) else first
    if isinstance(content, bytes):
        shape = image_shape(content)
        return "its bytes are no PNG or JPEG" if shape is None else Input(type=InputType.IMAGE, shape=shape)
    if isinstance(content, list):
        return listed(present)
    return f"values of type {kind} cannot be read"


def _category(column: Any) -> Input | str:
    present = column.drop_null()
    if len(present) > _FEW_ROWS and len(present.unique()) > 0.9 * len(present):
        return "nearly every value occurs once, as names and dates do"
    return Input(type=InputType.CATEGORY)


def image_shape(content: bytes) -> tuple[int, int, int] | None:
    """(channels, height, width) of PNG or JPEG bytes; None where they are neither."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            channels = 1 if image.mode in ("1", "L", "I;16", "I") else 3
            return channels, image.height, image.width
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None
