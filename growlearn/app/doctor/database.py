"""Checks the database: reachable, intact, with the newest tables and no others under our prefix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from growlearn.app.doctor.context import CheckContext, open_readonly_database
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, pluralize, warning_finding

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from growlearn.adapters.db.health import TableNames

_RESTORE_HINT = "restore the database from a backup"


def database(context: CheckContext) -> Iterator[Finding]:
    """Whether the database can be used."""
    from growlearn.adapters.db.engine import describe_database
    from growlearn.adapters.db.health import find_integrity_error, list_tables
    from growlearn.adapters.db.revision import read_revision

    with open_readonly_database(context.settings.database_url) as engine:
        if engine is None:
            yield _no_database_finding(f"there is no database at {context.settings.database_url}")
            return
        location = describe_database(engine.url)
        broken = find_integrity_error(engine)
        if broken is not None:
            yield error_finding("database", f"{location} is damaged: {broken}", _RESTORE_HINT)
            return
        tables, revision = list_tables(engine), read_revision(engine)
        if revision is None:
            yield _check_without_revision(engine, location, tables)
        else:
            yield from _check_tables(engine, location, tables, revision)


def _no_database_finding(message: str) -> Finding:
    return warning_finding(
        "database", f"nothing here yet: {message}", "run: growlearn demo, or growlearn init DATA"
    )


def _check_without_revision(engine: Engine, location: str, tables: TableNames) -> Finding:
    from growlearn.adapters.db.revision import make_revision_error

    table_names = sorted(tables.ours | tables.unexpected)
    if table_names:
        message = (
            f"{location} holds {', '.join(table_names)} but none of our revisions: "
            "tables of another program, or an incomplete database"
        )
        return error_finding(
            "database", message, f"{_RESTORE_HINT}, or move these tables away; then run: growlearn db upgrade"
        )
    if engine.dialect.name == "sqlite":
        return _no_database_finding(f"{location} holds none of our tables; they are created at first use")
    problem = make_revision_error(None, location)
    assert problem is not None
    return error_finding("database", problem.message, problem.hint)


def _check_tables(engine: Engine, location: str, tables: TableNames, revision: str) -> Iterator[Finding]:
    from growlearn.adapters.db.migrate import get_database_state
    from growlearn.adapters.db.revision import make_revision_error
    from growlearn.adapters.db.tables import VERSION_TABLE

    if not tables.ours:
        message = f"{location} says revision {revision} in {VERSION_TABLE}, but holds none of our tables"
        yield error_finding(
            "database", message, f"{_RESTORE_HINT}, or drop {VERSION_TABLE}; then run: growlearn db upgrade"
        )
        return
    problem = make_revision_error(revision, location)
    if problem is not None:
        yield error_finding("database", problem.message, problem.hint)
        return
    if tables.unexpected:
        names = ", ".join(sorted(tables.unexpected))
        message = f"{location} holds tables that are not ours under our prefix: {names}"
        yield error_finding("database", message, "rename them, or move them to another database")
    differences = [
        difference
        for difference in get_database_state(engine).differences
        if not _mentions_table(difference, tables.unexpected)
    ]
    if differences:
        count = pluralize(len(differences), "difference")
        message = f"{location} has {count} from our newest tables, first {differences[0]}"
        yield error_finding("database", message, f"growlearn db check lists them; {_RESTORE_HINT}")
    if not tables.unexpected and not differences:
        foreign_note = (
            f", beside {pluralize(len(tables.foreign), 'table')} of other programs" if tables.foreign else ""
        )
        yield ok_finding("database", f"{location} is sound, at revision {revision}{foreign_note}")


def _mentions_table(difference: str, tables: frozenset[str]) -> bool:
    return any(f"'{name}'" in difference for name in tables)
