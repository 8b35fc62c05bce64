"""Which revision a database is at, read without Alembic, whose import would slow down every command."""

from __future__ import annotations

from sqlalchemy import Engine, inspect, text

from growlearn.adapters.db import engine as db
from growlearn.adapters.db.tables import HEAD_REVISION, VERSION_TABLE
from growlearn.domain.errors import GrowLearnError

# Commits before the first release used these; no later migration may take one of them again.
_PRERELEASE_REVISIONS = ("0002", "0003", "0004", "0005", "0006")


def get_current_revision(url: str) -> str | None:
    """The revision of a database; None where it holds no GrowLearn tables or is not there yet.

    A missing SQLite file is not created.
    """
    file = db.get_sqlite_path(db.parse_database_url(url))
    if file is not None and not file.exists():
        return None
    engine = db.connect(url)
    try:
        return read_revision(engine)
    finally:
        engine.dispose()


def is_uninitialized_sqlite(url: str) -> bool:
    """Whether this is SQLite without our tables: no file, or one whose creation was interrupted."""
    return db.get_sqlite_path(db.parse_database_url(url)) is not None and get_current_revision(url) is None


def read_revision(engine: Engine) -> str | None:
    """The revision of an existing database; None where it holds no GrowLearn tables."""
    with db.read_transaction(engine) as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        revision: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
        return revision


def require_head_revision(url: str) -> None:
    """Raise GrowLearnError, with a hint, unless a database has the tables this growlearn knows."""
    error = make_revision_error(get_current_revision(url), _redact_password(url))
    if error is not None:
        raise error


def require_upgradable_revision(url: str) -> str | None:
    """The revision of a database; raises GrowLearnError where this growlearn cannot upgrade it to its own."""
    current = get_current_revision(url)
    error = make_revision_error(current, _redact_password(url))
    if error is not None and current is not None and current > HEAD_REVISION:
        raise error
    return current


def make_revision_error(current: str | None, database_url: str) -> GrowLearnError | None:
    """Why this growlearn cannot work with a database at revision `current`, and the fix; None at head."""
    if current == HEAD_REVISION:
        return None
    if current is None:
        return GrowLearnError(
            f"database {database_url} has no GrowLearn tables yet", hint="run: growlearn db upgrade"
        )
    if current in _PRERELEASE_REVISIONS:
        return GrowLearnError(
            f"database {database_url} was made before GrowLearn's first release (revision {current})"
            " and cannot be read or upgraded",
            hint="make a new home: set GROWLEARN_HOME to a new folder, or give another database URL",
        )
    if current > HEAD_REVISION:
        return GrowLearnError(
            f"database {database_url} is at revision {current}, newer than {HEAD_REVISION}, "
            "which this growlearn knows",
            hint="upgrade growlearn: pip install --upgrade growlearn",
        )
    return GrowLearnError(
        f"database {database_url} is at revision {current}, {HEAD_REVISION} is wanted",
        hint="run: growlearn db upgrade",
    )


def _redact_password(url: str) -> str:
    return db.describe_database(db.parse_database_url(url))
