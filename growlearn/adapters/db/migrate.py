"""Upgrading a database to the tables this growlearn knows, and checking whether it has them."""

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
from growlearn.adapters.db.revision import read_revision, require_upgradable_revision
from growlearn.adapters.db.tables import HEAD_REVISION, TABLE_PREFIX, VERSION_TABLE, Base
from growlearn.domain.errors import GrowLearnError

_ADVISORY_LOCK = 7_164_912_083  # any number; it must never change


def find_migrations_folder() -> Path:
    """The migrations: inside an installed growlearn, or at the top of a checkout."""
    package = Path(growlearn.__file__).parent
    for folder in (package / "_bundled" / "migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise GrowLearnError("the migrations are missing from this installation", hint="install growlearn again")


def upgrade_database(url: str) -> None:
    """Upgrade a database to the newest tables; a missing SQLite file is created, with its folder.

    A database that has them already is not changed; of two processes that start at once, one waits.
    Raises GrowLearnError for a database made before the first release or by a newer growlearn.
    """
    require_upgradable_revision(url)
    file = db.get_sqlite_path(db.parse_database_url(url))
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GrowLearnError(
                f"cannot make {file.parent}: {error.strerror}",
                hint="run where you may write, or set GROWLEARN_HOME to such a folder",
            ) from error
    with migration_transaction(url) as connection:
        command.upgrade(make_alembic_config(connection), "head")


@contextmanager
def migration_transaction(url: str) -> Iterator[Connection]:
    """One write transaction that keeps every other migration of the same database waiting.

    SQLite's write lock and PostgreSQL's advisory lock both end with the transaction, also where the
    process is killed.
    """
    engine = db.connect(url, foreign_keys=False)
    try:
        with db.write_transaction(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            yield connection
    finally:
        engine.dispose()


def make_alembic_config(connection: Connection) -> Config:
    """What Alembic needs to run our migrations on this connection; no alembic.ini."""
    settings = Config()
    settings.set_main_option("script_location", str(find_migrations_folder()).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


@dataclass(frozen=True, kw_only=True)
class DatabaseState:
    """The revision of a database, the newest one, and how its tables differ from ours."""

    current: str | None
    head: str
    differences: tuple[str, ...]

    @property
    def is_up_to_date(self) -> bool:
        """Whether it is at head and its tables are ours."""
        return self.current == self.head and not self.differences


def check_database(url: str) -> DatabaseState:
    """Check a database without changing it; tables of other programs in it are ignored.

    Raises GrowLearnError for a database made before the first release or by a newer growlearn.
    """
    if require_upgradable_revision(url) is None:
        return DatabaseState(current=None, head=HEAD_REVISION, differences=())
    engine = db.connect(url)
    try:
        return get_database_state(engine)
    finally:
        engine.dispose()


def get_database_state(engine: Engine) -> DatabaseState:
    """The state of a database that holds our tables."""
    current = read_revision(engine)
    with db.read_transaction(engine) as connection:
        return DatabaseState(current=current, head=HEAD_REVISION, differences=_list_differences(connection))


def _list_differences(connection: Connection) -> tuple[str, ...]:
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "include_name": lambda name, kind, _parents: kind != "table" or is_own_table(name),
            "version_table": VERSION_TABLE,
        },
    )
    return tuple(str(difference) for difference in compare_metadata(context, Base.metadata))


def is_own_table(table: str | None) -> bool:
    """Whether a table is GrowLearn's: a database may be shared with MLflow."""
    return table is not None and table.startswith(TABLE_PREFIX) and table != VERSION_TABLE
