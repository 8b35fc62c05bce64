"""Bringing a database to the tables this growlearn knows, and telling whether it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, text

import growlearn
from growlearn.adapters.db import engine as db
from growlearn.adapters.db.revision import current_revision, revision_of
from growlearn.adapters.db.tables import HEAD, PREFIX, VERSION_TABLE, Base
from growlearn.domain.errors import GrowLearnError

_ADVISORY_LOCK = 7_164_912_083  # any number, the same for ever


def migrations_folder() -> Path:
    """The migrations: inside an installed growlearn, or at the top of a checkout."""
    package = Path(growlearn.__file__).parent
    for folder in (package / "_bundled" / "migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise GrowLearnError("the migrations are missing from this installation", cure="install growlearn again")


def upgrade(url: str) -> None:
    """Bring a database to the newest tables, making a SQLite file and its folder where there is none.

    Harmless where it is there already; of two processes that start at once, one waits.
    """
    file = db.sqlite_file(db.read_url(url))
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GrowLearnError(
                f"cannot make {file.parent}: {error.strerror}",
                cure="run where you may write, or set GROWLEARN_HOME to such a folder",
            ) from error
    with alone(url) as connection:
        command.upgrade(config(connection), "head")


@contextmanager
def alone(url: str) -> Iterator[Connection]:
    """One writing transaction that no other migration of the same database runs beside.

    SQLite's write lock and PostgreSQL's advisory lock are both given back with the transaction,
    whatever becomes of the process.
    """
    engine = db.connect(url, foreign_keys=False)
    try:
        with db.writing(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            yield connection
    finally:
        engine.dispose()


def config(connection: Connection) -> Config:
    """What Alembic needs to run our migrations on this connection; no alembic.ini."""
    settings = Config()
    settings.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


@dataclass(frozen=True, kw_only=True)
class DatabaseState:
    """Where a database stands: its revision, the newest one, and how its tables differ from ours."""

    current: str | None
    head: str
    differences: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether it is at head and its tables are ours."""
        return self.current == self.head and not self.differences


def check(url: str) -> DatabaseState:
    """Look a database over without changing it; tables of others in the same database are no matter."""
    if current_revision(url) is None:
        return DatabaseState(current=None, head=HEAD, differences=())
    engine = db.connect(url)
    try:
        return state_of(engine)
    finally:
        engine.dispose()


def state_of(engine: Engine) -> DatabaseState:
    """Where a database that holds our tables stands."""
    current = revision_of(engine)
    with db.reading(engine) as connection:
        return DatabaseState(current=current, head=HEAD, differences=_differences(connection))


def _differences(connection: Connection) -> tuple[str, ...]:
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "include_name": lambda name, kind, _parents: kind != "table" or ours(name),
            "version_table": VERSION_TABLE,
        },
    )
    return tuple(str(difference) for difference in compare_metadata(context, Base.metadata))


def ours(table: str | None) -> bool:
    """Whether a table is GrowLearn's: a database may be shared with MLflow."""
    return table is not None and table.startswith(PREFIX) and table != VERSION_TABLE
