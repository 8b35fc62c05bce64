"""What all tables share: names of constraints, column types, and columns that many of them have."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Double, ForeignKey, ForeignKeyConstraint, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from growlearn.adapters.db.columns import Json, SanitizedText, UtcDateTime, WindowId

TABLE_PREFIX = "growlearn_"
VERSION_TABLE = "growlearn_alembic_version"
HEAD_REVISION = "0001"  # the newest migration, known here so that opening a store need not load Alembic

Serial = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up INTEGER keys only
NameList = Json(tuple[str, ...])


class Base(DeclarativeBase):
    """Gives every constraint a name, so that a migration can refer to it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        str: SanitizedText(),
        float: Double(),
    }


def make_stream_column(*, primary_key: bool = False) -> Mapped[str]:
    """The stream a row belongs to; deleting the stream deletes the row."""
    return mapped_column(ForeignKey("growlearn_streams.name", ondelete="CASCADE"), primary_key=primary_key)


def make_window_column(*, primary_key: bool = False) -> Mapped[str]:
    """The window a row belongs to, by number."""
    return mapped_column(WindowId(), primary_key=primary_key, autoincrement=False)


def make_foreign_key(table: str, column: str, key: str) -> ForeignKeyConstraint:
    """A column that names a row of another table of the same stream."""
    table = TABLE_PREFIX + table
    return ForeignKeyConstraint(["stream", column], [f"{table}.stream", f"{table}.{key}"], ondelete="CASCADE")
