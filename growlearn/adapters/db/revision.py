"""Which revision a database is at, read without Alembic, which would slow every command's start."""

from __future__ import annotations

from sqlalchemy import Engine, inspect, text

from growlearn.adapters.db import engine as db
from growlearn.adapters.db.tables import HEAD, VERSION_TABLE
from growlearn.domain.errors import GrowLearnError


def current_revision(url: str) -> str | None:
    """The revision of a database; None where it holds no GrowLearn tables or is not there yet.

    A missing SQLite file is not created by looking.
    """
    file = db.sqlite_file(db.read_url(url))
    if file is not None and not file.exists():
        return None
    engine = db.connect(url)
    try:
        return revision_of(engine)
    finally:
        engine.dispose()


def is_unmade_sqlite(url: str) -> bool:
    """Whether this is SQLite without our tables: no file yet, or one whose making was cut short."""
    return db.sqlite_file(db.read_url(url)) is not None and current_revision(url) is None


def revision_of(engine: Engine) -> str | None:
    """The revision of a database that is there; None where it holds no GrowLearn tables."""
    with db.reading(engine) as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        found: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
        return found


def require_head(url: str) -> None:
    """Raise GrowLearnError, with the cure, unless a database has the tables this growlearn knows."""
    trouble = not_at_head(current_revision(url), db.read_url(url).render_as_string(hide_password=True))
    if trouble is not None:
        raise trouble


def not_at_head(current: str | None, place: str) -> GrowLearnError | None:
    """What is to be done about the database at `place`, at revision `current`; None where it is at head."""
    if current == HEAD:
        return None
    if current is None:
        return GrowLearnError(
            f"database {place} has no GrowLearn tables yet", cure="run: growlearn db upgrade"
        )
    if current > HEAD:
        return GrowLearnError(
            f"database {place} is at revision {current}, newer than {HEAD}, which this growlearn knows",
            cure="upgrade growlearn: pip install --upgrade growlearn",
        )
    return GrowLearnError(
        f"database {place} is at revision {current}, {HEAD} is wanted", cure="run: growlearn db upgrade"
    )
