"""Column types: what Python holds on one side, what both databases hold alike on the other."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from sqlalchemy import DateTime, Dialect, Double, Integer, String, Text, TypeDecorator

from growlearn.domain.errors import GrowLearnError

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_WINDOW_ID = re.compile(r"w([1-9][0-9]{0,8})")
_NO_WINDOW = -1


class UtcDateTime(TypeDecorator[datetime]):
    """Aware times only, UTC on the way out; SQLite keeps no zone, so everything is written in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC; raises GrowLearnError for a time without a zone."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise GrowLearnError(f"time {value.isoformat()} has no zone", cure="use aware UTC times")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware UTC, whatever zone the server answers in."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Any text, file names and reasons included.

    Neither database stores lone surrogates (file names that are not UTF-8) and PostgreSQL stores
    no NUL: both become U+FFFD.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The same text with what cannot be stored replaced."""
        return None if value is None else _UNSTORABLE.sub("�", value)


class Choice(TypeDecorator[StrEnum]):
    """A member of one StrEnum, stored as its value."""

    impl = String(16)
    cache_ok = True

    def __init__(self, members: type[StrEnum]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """The member's value; ValueError for any other text."""
        return None if value is None else self.members(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """The member."""
        return None if value is None else self.members(value)


class WindowId(TypeDecorator[str]):
    """A window's id (w3), stored as its number so that rows sort and join by it."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> int | None:
        """The number, as number_of gives it."""
        return None if value is None else number_of(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> str | None:
        """The id."""
        return None if value is None else f"w{value}"


def number_of(window: str) -> int:
    """A window's number by its id; -1, which no window has, for text that is no window id.

    >>> number_of("w12"), number_of("window 12")
    (12, -1)
    """
    match = _WINDOW_ID.fullmatch(window)
    return _NO_WINDOW if match is None else int(match[1])


class Figure(TypeDecorator[float]):
    """A measured figure that may be NaN; SQLite turns NaN into NULL, so NULL reads as NaN."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        """NaN as NULL on every database, so that they answer queries alike."""
        # ruff: noqa: ARG002 - SQLAlchemy hands every type the dialect
        return None if value is None or math.isnan(value) else value

    def process_result_value(self, value: float | None, dialect: Dialect) -> float:
        """NaN for NULL."""
        return math.nan if value is None else value


class Json(TypeDecorator[Any]):
    """A value of one type as JSON text, through pydantic in both directions.

    Text rather than a JSON column: PostgreSQL's jsonb forgets the order of keys, which is the order
    of a schema's inputs.
    """

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """JSON text."""
        return None if value is None else _adapter(self.kind).dump_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The value, equal to what was stored; raises GrowLearnError where it cannot be understood."""
        try:
            return None if value is None else _adapter(self.kind).validate_json(value)
        except ValidationError as error:
            first = error.errors()[0]
            said = f"{'.'.join(map(str, first['loc'])) or 'its whole'}: {first['msg']}"
            raise GrowLearnError(
                f"the record holds a value that this version of growlearn cannot read: {said}",
                cure="run the version that wrote it, or a newer one",
            ) from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    # "| None" lets the configuration reach plain dataclasses; a diverged training has infinite losses.
    return TypeAdapter(kind | None, config=ConfigDict(ser_json_inf_nan="strings"))
