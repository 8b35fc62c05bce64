"""A database by URL: a SQLite file, or PostgreSQL through psycopg 3."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from growlearn.adapters.db.readonly import may_write, open_readonly
from growlearn.domain.errors import DatabaseUnavailable, DiskFull, GrowLearnError
from growlearn.domain.locations import get_sqlite_file
from growlearn.domain.redaction import redact

BUSY_TIMEOUT_S = 30
_POSTGRESQL_TIMEOUTS = {
    "connect_timeout": 10,  # seconds
    "tcp_user_timeout": 30_000,  # milliseconds that sent bytes may go unacknowledged
    "keepalives_idle": 30,  # seconds of silence before the other side is probed
}
_POSTGRESQL_DISK_FULL = "53100"
_REFUSALS = (DataError, NotSupportedError, ProgrammingError)
"""What a database answers that is there, and would answer again."""
_URL_HINT = "write sqlite:///path/to/growlearn.db or postgresql://user:password@host/database"


def parse_database_url(url: str) -> URL:
    """A URL GrowLearn can use; raises GrowLearnError for any other.

    A bare postgresql:// (or postgres://) means psycopg 3. The path of a SQLite file is taken as it stands.
    """
    file = get_sqlite_file(url)
    if file is not None:
        return URL.create("sqlite", database=str(file))
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise GrowLearnError(f"{url!r} is no database URL", hint=_URL_HINT) from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "postgresql+psycopg":
        raise GrowLearnError(
            f"GrowLearn does not know databases of kind {parsed.drivername!r}", hint=_URL_HINT
        )
    return parsed


def get_sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite database; None for another database."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def describe_database(url: URL) -> str:
    """The URL as the user writes it, without its passwords."""
    file = get_sqlite_path(url)
    return redact(url.render_as_string(hide_password=True)) if file is None else f"sqlite:///{file}"


def connect(url: str, *, foreign_keys: bool = True) -> Engine:
    """An engine for a URL; nothing is opened yet. Dispose of it when done.

    Without foreign keys SQLite tables may be copied and dropped without taking their children along.
    """
    parsed = parse_database_url(url)
    file = get_sqlite_path(parsed)
    if file is not None:
        if file.exists() and not may_write(file):  # its rows can still be read
            return _make_readonly_sqlite_engine(parsed, file)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})
        event.listen(engine, "connect", partial(_configure_sqlite, foreign_keys))
        event.listen(engine, "begin", _begin_sqlite_transaction)
        return engine
    return _make_postgresql_engine(parsed)


def connect_readonly(url: str) -> Engine:
    """An engine that changes nothing: no file is created, no log created or removed, no row written.

    Dispose of it when done.
    """
    parsed = parse_database_url(url)
    file = get_sqlite_path(parsed)
    if file is None:
        return _make_postgresql_engine(parsed).execution_options(postgresql_readonly=True)
    return _make_readonly_sqlite_engine(parsed, file)


def _make_readonly_sqlite_engine(url: URL, file: Path) -> Engine:
    engine = create_engine(url, creator=partial(open_readonly, file, BUSY_TIMEOUT_S))
    event.listen(engine, "begin", _begin_sqlite_transaction)
    return engine


def _make_postgresql_engine(url: URL) -> Engine:
    """A server that does not answer is given up after seconds, unless the URL says after how many."""
    timeouts = {name: value for name, value in _POSTGRESQL_TIMEOUTS.items() if name not in url.query}
    try:
        return create_engine(url, pool_pre_ping=True, connect_args=timeouts)
    except ModuleNotFoundError as error:
        raise GrowLearnError(
            "PostgreSQL needs the package psycopg", hint="run: pip install 'growlearn[postgres]'"
        ) from error


def _configure_sqlite(foreign_keys: bool, connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # _begin_sqlite_transaction begins, not the driver
    cursor: sqlite3.Cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
    cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
    _enable_wal(cursor)
    cursor.close()


def _enable_wal(cursor: sqlite3.Cursor) -> None:
    """Let readers and a writer work at once; stored in the file, so only its first user sets it."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return  # where the file system does not support it, the journal mode stays as it is
        except sqlite3.OperationalError as error:
            # SQLite fails at once while another process uses the file, whatever busy_timeout is.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite_transaction(connection: Connection) -> None:
    # A write that begins as a read may find, on turning into a write, that another process has
    # written meanwhile; SQLite then fails it at once. Taking the lock first makes it wait.
    writes = connection.get_execution_options().get("growlearn_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def read_transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction that sees one state of the database throughout."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with _as_growlearn_errors(engine), engine.begin() as connection:
        yield connection


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction that commits at the end, or, where anything is raised, writes nothing."""
    with _as_growlearn_errors(engine), engine.execution_options(growlearn_writes=True).begin() as connection:
        yield connection


@contextmanager
def _as_growlearn_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # a bug, nothing the user could fix
    except (DBAPIError, PoolTimeout) as error:
        raise _make_database_error(engine.url, error) from error
    except StatementError as error:
        if isinstance(error.orig, GrowLearnError):
            raise error.orig from error
        raise


def _make_database_error(url: URL, error: DBAPIError | PoolTimeout) -> GrowLearnError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    what = f"database {describe_database(url)}: {str(cause).strip()}"
    sqlite_error = getattr(cause, "sqlite_errorcode", None)
    sql_state = getattr(cause, "sqlstate", None)
    is_full = sqlite_error in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
    if is_full or sql_state == _POSTGRESQL_DISK_FULL:
        return DiskFull(what)
    if sqlite_error is not None and sqlite_error & 0xFF == sqlite3.SQLITE_READONLY:
        return GrowLearnError(what, hint="it can be read here; to change it, run where it may be written")
    kind = GrowLearnError if isinstance(error, _REFUSALS) else DatabaseUnavailable
    return kind(
        what, hint="is it there, reachable and writable, and is no other program holding it? then try again"
    )
