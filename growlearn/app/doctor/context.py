"""What checks read: the settings and, where there is one, the database, opened read-only."""

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
class CheckContext:
    """The settings of this installation, and the clock."""

    settings: Settings
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class StoreContext(CheckContext):
    """The same with the store, and the database engine under it."""

    store: Store
    engine: Engine


@contextmanager
def open_store_context(context: CheckContext) -> Iterator[StoreContext | None]:
    """The store; None where the database cannot be reached or lacks the newest tables."""
    from growlearn.adapters.db.revision import read_revision
    from growlearn.adapters.db.store import DbStore
    from growlearn.adapters.db.tables import HEAD_REVISION

    with ExitStack() as stack:
        try:
            engine = stack.enter_context(open_readonly_database(context.settings.database_url))
            at_head = engine is not None and read_revision(engine) == HEAD_REVISION
        except GrowLearnError:  # the database check reports it
            engine, at_head = None, False
        if engine is None or not at_head:
            yield None
            return
        yield StoreContext(
            settings=context.settings, clock=context.clock, store=DbStore(engine), engine=engine
        )


@contextmanager
def open_readonly_database(url: str) -> Iterator[Engine | None]:
    """The database at a URL, opened read-only; None where its SQLite file does not exist."""
    from growlearn.adapters.db.engine import connect_readonly, get_sqlite_path, parse_database_url

    file = get_sqlite_path(parse_database_url(url))
    if file is not None and not file.exists():
        yield None
        return
    engine = connect_readonly(url)
    try:
        yield engine
    finally:
        engine.dispose()
