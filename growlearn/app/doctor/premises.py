"""What checks look at: the settings and, where there is one, the record, opened so that nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from growlearn.domain.errors import GrowLearnError
from growlearn.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from growlearn.ports import Clock, Store


@dataclass(frozen=True, kw_only=True)
class Premises:
    """Where this installation keeps things, and the time of day."""

    settings: Settings
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Record(Premises):
    """The same with a record that this growlearn can read, and the database that it is in."""

    store: Store
    engine: Engine


@contextmanager
def record_of(premises: Premises) -> Iterator[Record | None]:
    """The record; None where the database cannot be reached or does not have our newest tables."""
    from growlearn.adapters.db.revision import revision_of
    from growlearn.adapters.db.store import DbStore
    from growlearn.adapters.db.tables import HEAD

    with ExitStack() as opened:
        try:
            engine = opened.enter_context(database_of(premises.settings.database_url))
            at_head = engine is not None and revision_of(engine) == HEAD
        except GrowLearnError:  # the check of the database tells of it
            engine, at_head = None, False
        if engine is None or not at_head:
            yield None
            return
        yield Record(settings=premises.settings, clock=premises.clock, store=DbStore(engine), engine=engine)


@contextmanager
def database_of(url: str) -> Iterator[Engine | None]:
    """The database at a URL, to be looked at only; None where its SQLite file is not there."""
    from growlearn.adapters.db.engine import connect_to_look, read_url, sqlite_file

    file = sqlite_file(read_url(url))
    if file is not None and not file.exists():
        yield None
        return
    engine = connect_to_look(url)
    try:
        yield engine
    finally:
        engine.dispose()
