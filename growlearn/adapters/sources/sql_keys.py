"""Keys as text, and the ranges of keys that files are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.printable import quote_name
from growlearn.domain.window import FileRecord

_AFTER = "after "
_START = "from the start"


@dataclass(frozen=True)
class KeyRange:
    """The rows above `after` (None: all) up to and with `last`, both as `encode_key` writes keys."""

    after: str | None
    last: str

    @property
    def name(self) -> str:
        """What the last part of the file's URL is; it holds no '/'."""
        return _START if self.after is None else f"{_AFTER}{self.after}"


def encode_key(value: Any, column: str) -> str:
    r"""A key as JSON without '/': a number where it is whole, else text that the database reads as its type.

    Raises GrowLearnError for a value that cannot be compared exactly.

    >>> encode_key(7, "id"), encode_key("a/b", "id"), encode_key(date(2026, 11, 30), "day")
    ('7', '"a\\u002fb"', '"2026-11-30"')
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, datetime | date):
        return json.dumps(value.isoformat())
    if isinstance(value, str | UUID | Decimal):
        return json.dumps(str(value)).replace("/", "\\u002f")
    raise GrowLearnError(
        f"key {quote_name(column)} of source.sql has a value of type {type(value).__name__}",
        hint="choose a key of whole numbers, texts or times",
    )


def decode_key(encoded: str) -> int | str:
    """The value to compare a key with."""
    value: int | str = json.loads(encoded)
    return value


def decode_range(name: str, last: str) -> KeyRange:
    """The range of a file by the last part of its URL and its fingerprint."""
    return KeyRange(name.removeprefix(_AFTER) if name.startswith(_AFTER) else None, last)


def find_ranges(known: Iterable[FileRecord], base_url: str) -> Sequence[tuple[KeyRange, FileRecord]]:
    """The ranges that were taken from one query, each with its latest record, in the order of their keys."""
    start = f"{base_url}/"
    latest = {
        decode_range(record.url.removeprefix(start), record.fingerprint).after: record
        for record in known
        if record.url.startswith((start + _AFTER, start + _START))
    }
    ranges, after = [], None
    while (record := latest.pop(after, None)) is not None:
        ranges.append((KeyRange(after, record.fingerprint), record))
        after = record.fingerprint
    return ranges


def to_utc(value: Any, column: str) -> datetime:
    """A time that a column holds; one without a zone is in UTC. Raises GrowLearnError for anything else."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the zone follows
    if not isinstance(value, datetime):
        raise GrowLearnError(
            f"source.sql.lag needs a time, and {quote_name(column)} holds {quote_name(str(value))}",
            hint="let source.sql.time_column name the column of the time at which a row was written",
        )
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
