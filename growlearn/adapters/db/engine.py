"""A database by URL: SQLite as a careful single file, PostgreSQL through psycopg 3."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, StatementError
from sqlalchemy.pool import ConnectionPoolEntry

from growlearn.domain.errors import GrowLearnError

BUSY_TIMEOUT_S = 30
_LOOK_TIMEOUT_S = 10
_EXAMPLES = "write sqlite:///path/to/growlearn.db or postgresql://user:password@host/database"


def read_url(url: str) -> URL:
    """A URL GrowLearn can use; raises GrowLearnError for any other.

    A bare postgresql:// (or postgres://) means psycopg 3.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise GrowLearnError(f"{url!r} is no database URL", cure=_EXAMPLES) from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite+pysqlite":
        parsed = parsed.set(drivername="sqlite")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise GrowLearnError(
            f"GrowLearn does not know databases of kind {parsed.drivername!r}", cure=_EXAMPLES
        )
    if parsed.drivername == "sqlite" and sqlite_file(parsed) is None:
        raise GrowLearnError("a SQLite database in memory is gone when its connection is", cure=_EXAMPLES)
    return parsed


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite URL; None for other databases and for one in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def connect(url: str, *, foreign_keys: bool = True) -> Engine:
    """An engine for a URL; nothing is opened yet. Dispose of it when done.

    Without foreign keys SQLite tables may be copied and dropped without taking their children along.
    """
    parsed = read_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})
        event.listen(engine, "connect", partial(_prepare_sqlite, foreign_keys))
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return _postgresql(parsed)


def connect_to_look(url: str) -> Engine:
    """An engine that changes nothing: no file is made, no log is begun or cleared away, no row written.

    A server that does not answer is not waited for longer than ten seconds. Dispose of it when done.
    """
    parsed = read_url(url)
    file = sqlite_file(parsed)
    if file is None:
        patience = {} if "connect_timeout" in parsed.query else {"connect_timeout": _LOOK_TIMEOUT_S}
        return _postgresql(parsed, patience).execution_options(postgresql_readonly=True)
    engine = create_engine(parsed, creator=partial(_open_to_look, file))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(url: URL, arguments: Mapping[str, Any] = MappingProxyType({})) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True, connect_args=dict(arguments))
    except ModuleNotFoundError as error:
        raise GrowLearnError(
            "PostgreSQL needs the package psycopg", cure="run: pip install 'growlearn[postgres]'"
        ) from error


def _open_to_look(file: Path) -> sqlite3.Connection:
    # Whoever may write clears the log away when the last one leaves; whoever may only read leaves one
    # behind where there was none. So each is asked for where it does no harm.
    mode = "ro" if file.with_name(file.name + "-wal").exists() else "rw"
    address = f"file:{quote(str(file.absolute()))}?mode={mode}"
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _prepare_sqlite(foreign_keys: bool, connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver must not begin by itself; _begin_sqlite does
    cursor: sqlite3.Cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
    cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
    _keep_write_ahead_log(cursor)
    cursor.close()


def _keep_write_ahead_log(cursor: sqlite3.Cursor) -> None:
    """Let readers and a writer work at once; the file remembers it, so only its first user has to ask."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return  # where the file system cannot do it, the old way stays
        except sqlite3.OperationalError as error:
            # SQLite refuses this at once while another process is in the file, whatever busy_timeout says.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    # A write that begins as a read may find, on turning into a write, that another process has
    # written meanwhile; SQLite then fails it at once. Taking the lock first makes it wait its turn.
    writes = connection.get_execution_options().get("growlearn_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that sees one state of the database throughout."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with _plain_errors(engine), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that commits at the end, or, where anything is raised, writes nothing."""
    with _plain_errors(engine), engine.execution_options(growlearn_writes=True).begin() as connection:
        yield connection


@contextmanager
def _plain_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # never the user's to mend
    except DatabaseError as error:
        place = engine.url.render_as_string(hide_password=True)
        raise GrowLearnError(
            f"database {place}: {str(error.orig).strip()}",
            cure="is it there, reachable and writable, and is no other program holding it? then try again",
        ) from error
    except StatementError as error:
        if isinstance(error.orig, GrowLearnError):
            raise error.orig from error
        raise
