"""Values of JSON rows: which no column can read, and which may share a column of an Arrow table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from growlearn.domain.schema import InputType, Schema

Record = Mapping[str, Any]
"""One row: a value by column name."""
Kinds = tuple[str | None, ...]
"""The kind of value of each input column, None where it is missing."""
_MAX_LEVELS = 3  # of lists: an image as [channels][height][width]
_SCALAR_KINDS = {type(None): None, bool: "boolean", int: "number", float: "number", str: "text"}
_VARYING = "varying"


def list_columns(schema: Schema) -> list[str]:
    """Inputs, task, label and id, as far as the schema has them."""
    return [*schema.inputs, *(name for name in (schema.task, schema.label, schema.id_column) if name)]


def find_object(record: Record, schema: Schema) -> str | None:
    """Why a column of the schema cannot be read: it holds an object, or lists in too many levels; else None.

    Arrow's own look at such a value takes seconds where it is nested some hundred times.
    """
    for name in list_columns(schema):
        if name in record and not _is_flat(record[name], _MAX_LEVELS):
            return f"column {name!r} holds an object, or lists in more than {_MAX_LEVELS} levels"
    return None


def _is_flat(value: object, levels: int) -> bool:
    if not isinstance(value, list):
        return not isinstance(value, dict)
    types = set(map(type, value))
    if levels == 0 or dict in types:
        return False
    return list not in types or all(_is_flat(item, levels - 1) for item in value)


def find_kinds(records: Sequence[Record], schema: Schema) -> Kinds | None:
    """What kind of value each column holds in these records; None where that varies, or must not be shared.

    Records of one kind can be parsed as one without a change to any of them. Others cannot: Arrow gives a
    column one type, which turns a boolean beside a fraction into 1, and a version that does not say what
    number is white decides that by the range of its column.
    """
    kinds: Kinds = (None,) * len(schema.inputs)
    for record in records:
        own = tuple(
            _find_kind(record.get(name), by_range=column.type is InputType.IMAGE and column.pixel_max is None)
            for name, column in schema.inputs.items()
        )
        merged = merge_kinds(kinds, own)
        if merged is None or _VARYING in own:
            return None
        kinds = merged
    return kinds


def merge_kinds(some: Kinds, others: Kinds) -> Kinds | None:
    """The kinds of both, column by column; None where they differ."""
    if any(None not in pair and pair[0] != pair[1] for pair in zip(some, others, strict=True)):
        return None
    return tuple(one or other for one, other in zip(some, others, strict=True))


def _find_kind(value: object, *, by_range: bool) -> str | None:
    if not isinstance(value, list):
        return _SCALAR_KINDS.get(type(value), _VARYING)
    while value and isinstance(value[0], list):
        value = [item for part in value for item in (part if isinstance(part, list) else (part,))]
    types = set(map(type, value))
    if types <= {int}:
        return "whole numbers"
    return "numbers" if types <= {int, float} and not by_range else _VARYING
