"""A database that rows are read from: SQLite or PostgreSQL, never written to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from growlearn.domain.errors import GrowLearnError, InvalidFile, Unavailable
from growlearn.domain.locations import get_sqlite_file

_NOT_TEXT = "Could not decode to UTF-8"  # as Python says it of a cell of SQLite
_TIMEOUT_S = 10
_URL_HINT = "write sqlite:////absolute/path.db or postgresql://user:password@host/database"
_POSTGRESQL_OPTIONS = "-c default_transaction_read_only=on -c timezone=UTC"


def make_engine(name: str, url: str) -> Engine:
    """An engine of a named connection that keeps nothing open; raises GrowLearnError for a URL of no kind."""
    file = get_sqlite_file(url)
    if file is not None:
        return create_engine("sqlite://", creator=lambda: _open_sqlite(file), poolclass=NullPool)
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise GrowLearnError(f"connection {name!r} is no database URL", hint=_URL_HINT) from None
    if parsed.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise GrowLearnError(
            f"connection {name!r} is of kind {parsed.drivername!r}; rows are read from SQLite and PostgreSQL",
            hint=_URL_HINT,
        )
    arguments = {"options": _POSTGRESQL_OPTIONS, "connect_timeout": _TIMEOUT_S}
    try:
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"), connect_args=arguments, poolclass=NullPool
        )
    except ImportError as error:
        raise GrowLearnError(
            f"connection {name!r} cannot be opened: {error}", hint="pip install growlearn[postgres]"
        ) from error


def _open_sqlite(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=_TIMEOUT_S)


@contextmanager
def read_from(engine: Engine, name: str) -> Iterator[Connection]:
    """A connection for one look.

    Raises Unavailable where the database does not answer, InvalidFile for text that is not UTF-8, and
    GrowLearnError where the query is refused.
    """
    try:
        with engine.connect() as connection:
            yield connection
    except (OperationalError, InterfaceError) as error:
        if _NOT_TEXT in str(error):
            raise InvalidFile(
                f"connection {name!r}: {_explain(error)}",
                hint="store it as UTF-8, or leave its column out of source.sql.query",
            ) from error
        raise Unavailable(
            f"connection {name!r} cannot be read: {_explain(error)}",
            hint="is the database there, do the credentials in the setting connections fit, and are the"
            " tables of source.sql.query in it?",
        ) from error
    except SQLAlchemyError as error:
        raise GrowLearnError(
            f"connection {name!r} cannot answer source.sql.query: {_explain(error)}",
            hint="correct the query, its key or its time_column in the job file, so that it reads every row",
        ) from error


def _explain(error: SQLAlchemyError) -> str:
    """What the driver says, in one line, without the statement."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return " ".join(str(cause).split())
