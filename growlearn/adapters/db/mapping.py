"""Between frozen dataclasses and rows, whose columns have the names of the fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, select

from growlearn.adapters.db.tables import Base, StreamRow
from growlearn.domain.errors import UnknownName

T = TypeVar("T")


def columns(kind: type[Any], table: type[Base]) -> list[ColumnElement[Any]]:
    """The columns that hold the fields of a dataclass."""
    return [getattr(table, field.name) for field in fields(kind)]


def read(kind: type[T], row: Row[*tuple[Any, ...]]) -> T:
    """The dataclass that a row of its columns stands for."""
    return kind(**row._mapping)


def values(record: Any, **more: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, one level deep, and more."""
    return {field.name: getattr(record, field.name) for field in fields(record)} | more


def all_of(
    connection: Connection, kind: type[T], table: type[Base], order: Any, *where: ColumnElement[bool]
) -> Sequence[T]:
    """Every matching row as a dataclass, in order."""
    query = select(*columns(kind, table)).where(*where).order_by(order)
    return tuple(read(kind, row) for row in connection.execute(query))


def lock(connection: Connection, stream: str) -> bool:
    """Wait until no other transaction writes to this stream; False where there is no such stream.

    SQLite has one writer at a time anyway; there this only looks.
    """
    query = select(StreamRow.name).where(StreamRow.name == stream).with_for_update(key_share=True)
    return connection.scalar(query) is not None


def lock_known(connection: Connection, stream: str) -> None:
    """As `lock`; raises UnknownName where there is no such stream."""
    if not lock(connection, stream):
        raise unknown_stream(connection, stream)


def unknown_stream(connection: Connection, stream: str) -> UnknownName:
    """The error that lists the streams there are."""
    known = ", ".join(connection.scalars(select(StreamRow.name).order_by(StreamRow.name))) or "none"
    return UnknownName(f"there is no stream {stream!r}", cure=f"known streams: {known}")
