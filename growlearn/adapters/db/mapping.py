"""Between frozen dataclasses and rows, whose columns have the names of the fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select

from growlearn.adapters.db.tables import Base, StreamRow
from growlearn.domain.errors import NotFound

T = TypeVar("T")


def get_columns(kind: type[Any], table: type[Base]) -> list[ColumnElement[Any]]:
    """The columns that hold the fields of a dataclass."""
    return [getattr(table, field.name) for field in fields(kind)]


def from_row(kind: type[T], row: Row[*tuple[Any, ...]]) -> T:
    """The dataclass of a row of its columns."""
    return kind(**row._mapping)


def to_row(record: Any, **extra: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, one level deep, and more."""
    return {field.name: getattr(record, field.name) for field in fields(record)} | extra


def select_all(
    connection: Connection, kind: type[T], table: type[Base], order: Any, *where: ColumnElement[bool]
) -> Sequence[T]:
    """Every matching row as a dataclass, in order."""
    query = select(*get_columns(kind, table)).where(*where).order_by(order)
    return tuple(from_row(kind, row) for row in connection.execute(query))


def match_windows(table: Any, stream: str, window: str | None) -> tuple[ColumnElement[bool], ...]:
    """The condition for rows of one window, or of all windows of the stream."""
    if window is None:
        return (table.stream == stream,)
    return table.stream == stream, table.window == window


def delete_window_rows(connection: Connection, table: type[Base], stream: str, window: str) -> None:
    """Delete the rows of a window."""
    connection.execute(delete(table).where(*match_windows(table, stream, window)))


def insert_in_order(connection: Connection, table: type[Base], records: Sequence[Any], **key: Any) -> None:
    """Insert dataclasses as rows of that key, with their positions."""
    rows = [to_row(record, position=position, **key) for position, record in enumerate(records)]
    if rows:
        connection.execute(insert(table), rows)


def lock_stream(connection: Connection, stream: str) -> bool:
    """Wait until no other transaction writes to this stream; False where there is no such stream.

    SQLite has one writer at a time anyway, so there it only checks that the stream exists.
    """
    query = select(StreamRow.name).where(StreamRow.name == stream).with_for_update(key_share=True)
    return connection.scalar(query) is not None


def lock_existing_stream(connection: Connection, stream: str) -> None:
    """As `lock_stream`; raises NotFound where there is no such stream."""
    if not lock_stream(connection, stream):
        raise make_stream_not_found(connection, stream)


def make_stream_not_found(connection: Connection, stream: str) -> NotFound:
    """The error for an unknown stream, with a list of the known ones."""
    known = ", ".join(connection.scalars(select(StreamRow.name).order_by(StreamRow.name))) or "none"
    return NotFound(f"there is no stream {stream!r}", hint=f"known streams: {known}")
