"""The database: whether it answers, is sound, has our newest tables and nobody else's under our names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from growlearn.app.doctor.finding import Finding, counted, ok, warning, wrong
from growlearn.app.doctor.premises import Premises, database_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from growlearn.adapters.db.condition import Tables

_BACKUP = "bring the database back from a backup"


def database(premises: Premises) -> Iterator[Finding]:
    """Whether the record can be kept there."""
    from growlearn.adapters.db.condition import damage, tables_in
    from growlearn.adapters.db.revision import revision_of

    with database_of(premises.settings.database_url) as engine:
        if engine is None:
            yield _nothing_yet(f"there is no database at {premises.settings.database_url}")
            return
        place = engine.url.render_as_string(hide_password=True)
        broken = damage(engine)
        if broken is not None:
            yield wrong("database", f"{place} is damaged: {broken}", _BACKUP)
            return
        tables, revision = tables_in(engine), revision_of(engine)
        if revision is None:
            yield _unmade(engine, place, tables)
        else:
            yield from _made(engine, place, tables, revision)


def _nothing_yet(what: str) -> Finding:
    return warning("database", f"nothing here yet: {what}", "run: growlearn demo, or growlearn init DATA")


def _unmade(engine: Engine, place: str, tables: Tables) -> Finding:
    from growlearn.adapters.db.revision import not_at_head

    taken = sorted(tables.ours | tables.intruding)
    if taken:
        found = f"{place} holds {', '.join(taken)} but no revision of ours: another program's, or a lost half"
        return wrong(
            "database", found, f"{_BACKUP}, or move these tables away; then run: growlearn db upgrade"
        )
    if engine.dialect.name == "sqlite":
        return _nothing_yet(f"{place} holds no tables of ours; they are made at first use")
    trouble = not_at_head(None, place)
    assert trouble is not None
    return wrong("database", trouble.what, trouble.cure)


def _made(engine: Engine, place: str, tables: Tables, revision: str) -> Iterator[Finding]:
    from growlearn.adapters.db.migrate import state_of
    from growlearn.adapters.db.revision import not_at_head
    from growlearn.adapters.db.tables import VERSION_TABLE

    if not tables.ours:
        found = f"{place} says revision {revision} in {VERSION_TABLE}, but holds none of our tables"
        yield wrong("database", found, f"{_BACKUP}, or drop {VERSION_TABLE}; then run: growlearn db upgrade")
        return
    trouble = not_at_head(revision, place)
    if trouble is not None:
        yield wrong("database", trouble.what, trouble.cure)
        return
    if tables.intruding:
        found = (
            f"{place} holds tables that are not ours under our prefix: {', '.join(sorted(tables.intruding))}"
        )
        yield wrong("database", found, "rename them, or move them to another database")
    differences = [each for each in state_of(engine).differences if not _named(each, tables.intruding)]
    if differences:
        many = counted(len(differences), "difference")
        found = f"{place} has {many} from our newest tables, first {differences[0]}"
        yield wrong("database", found, f"growlearn db check lists them; {_BACKUP}")
    if not tables.intruding and not differences:
        beside = f", beside {counted(len(tables.foreign), 'table')} of others" if tables.foreign else ""
        yield ok("database", f"{place} is sound, at revision {revision}{beside}")


def _named(difference: str, tables: frozenset[str]) -> bool:
    return any(f"'{name}'" in difference for name in tables)
