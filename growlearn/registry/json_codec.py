"""Dataclasses as JSON and back, through pydantic; numbers that are not finite are kept, as strings."""

from __future__ import annotations

from dataclasses import is_dataclass
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

_CONFIG = ConfigDict(ser_json_inf_nan="strings")  # a diverged training has infinite losses, and NaN


class InvalidJson(ValueError):
    """The text is not JSON of the expected type; the message says where."""


def to_json(value: Any, kind: Any, *, indent: int | None = None) -> bytes:
    """A value of type `kind` as JSON.

    >>> to_json((1, float("inf")), tuple[float, ...])
    b'[1.0,"Infinity"]'
    """
    return _get_adapter(kind).dump_json(value, indent=indent)


def from_json(text: str | bytes, kind: Any) -> Any:
    """The value of type `kind`, equal to the one written; raises InvalidJson."""
    try:
        return _get_adapter(kind).validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        location = ".".join(map(str, first["loc"])) or "its whole"
        raise InvalidJson(f"{location}: {first['msg']}") from error


@cache
def _get_adapter(kind: Any) -> TypeAdapter[Any]:
    is_alone = is_dataclass(kind)  # pydantic refuses a configuration for a dataclass alone, not for a union
    return TypeAdapter(kind | None if is_alone else kind, config=_CONFIG)
