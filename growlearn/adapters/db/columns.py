"""Column types: Python values, and how both databases store them alike."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Dialect, Double, Integer, String, Text, TypeDecorator

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.window import parse_window_number
from growlearn.registry.json_codec import InvalidJson, from_json, to_json

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware times only, returned in UTC; SQLite stores no zone, so everything is written in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC; raises GrowLearnError for a time without a zone."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise GrowLearnError(f"time {value.isoformat()} has no zone", hint="use aware UTC times")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware UTC, whatever zone the server returns."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SanitizedText(TypeDecorator[str]):
    """Any text, file names and reasons included.

    Neither database stores lone surrogates (file names that are not UTF-8) and PostgreSQL stores
    no NUL: both become U+FFFD.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The same text with what cannot be stored replaced."""
        return None if value is None else _UNSTORABLE.sub("�", value)


class EnumText(TypeDecorator[StrEnum]):
    """A member of one StrEnum, stored as its value."""

    impl = String
    cache_ok = True

    def __init__(self, members: type[StrEnum], length: int = 16) -> None:
        super().__init__(length)
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
        """The number, as parse_window_number returns it."""
        return None if value is None else parse_window_number(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> str | None:
        """The id."""
        return None if value is None else f"w{value}"


class NullableFloat(TypeDecorator[float]):
    """A float that may be NaN; SQLite stores NaN as NULL, so NULL reads as NaN."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        """NaN as NULL on every database, so that queries return the same."""
        # ruff: noqa: ARG002 - SQLAlchemy hands every type the dialect
        return None if value is None or math.isnan(value) else value

    def process_result_value(self, value: float | None, dialect: Dialect) -> float:
        """NaN for NULL."""
        return math.nan if value is None else value


class Json(TypeDecorator[Any]):
    """A value of one type as JSON text, through pydantic in both directions.

    Text rather than a JSON column: PostgreSQL's jsonb does not keep the order of keys, which is the
    order of a schema's inputs.
    """

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """JSON text."""
        return None if value is None else dump_json(self.kind, value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The value, equal to what was stored; raises GrowLearnError where it cannot be parsed."""
        return None if value is None else parse_json(self.kind, value)


def dump_json(kind: Any, value: Any) -> str:
    """A value of that type as JSON text."""
    return to_json(value, kind).decode()


def parse_json(kind: Any, text: str) -> Any:
    """The value of that type; raises GrowLearnError where the text holds none."""
    try:
        return from_json(text, kind)
    except InvalidJson as error:
        raise GrowLearnError(
            f"the record holds a value that this version of growlearn cannot read: {error}",
            hint="run the version that wrote it, or a newer one",
        ) from error
