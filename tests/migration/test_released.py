"""What was released stays: its migrations do not change, its databases are upgraded with all they hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import MetaData, func, select

from growlearn.adapters.db.api_records import open_db_api_records
from growlearn.adapters.db.engine import connect
from growlearn.adapters.db.migrate import (
    check_database,
    make_alembic_config,
    migration_transaction,
    upgrade_database,
)
from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.db.tables import TABLE_PREFIX, VERSION_TABLE
from growlearn.domain.api_key import Role

FOLDER = Path(__file__).parent
RELEASED = sorted(FOLDER.glob("growlearn-*.sql"))
FILLED = 15
"""Tables with rows, at least, so that there is something to lose."""


def read_hashes() -> dict[str, str]:
    """The sha256 of each released migration by its path, as sha256sum writes them."""
    lines = (FOLDER / "released.sha256").read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, path in (line.split(maxsplit=1) for line in lines)}


def test_released_migrations_are_what_they_were() -> None:
    hashes = read_hashes()
    assert "migrations/versions/0001_initial_tables.py" in hashes
    for path, digest in hashes.items():
        file = FOLDER.parents[1] / path
        assert sha256(file.read_bytes()).hexdigest() == digest, (
            f"{path} has been released, and databases exist that it made: leave it as it is, and change the "
            f"tables in a new migration; the first after 0001 is migrations/versions/0007_WORDS.py"
        )


@pytest.fixture(params=RELEASED, ids=lambda file: file.stem)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A SQLite database as a released version left it."""
    file = tmp_path / "growlearn.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(request.param.read_text(encoding="utf-8"))
    return f"sqlite:///{file}"


def count_rows(url: str) -> dict[str, int]:
    """Rows by table."""
    engine, metadata = connect(url), MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        counts = {
            name: connection.scalar(select(func.count()).select_from(table)) or 0
            for name, table in metadata.tables.items()
            if name.startswith(TABLE_PREFIX) and name != VERSION_TABLE
        }
    engine.dispose()
    return counts


def copy_to_postgres(old_url: str, url: str) -> None:
    """The same rows in tables that the first migration makes."""
    with migration_transaction(url) as connection:
        command.upgrade(make_alembic_config(connection), "0001")
    source, target, old_tables, tables = connect(old_url), connect(url), MetaData(), MetaData()
    old_tables.reflect(source)
    tables.reflect(target)
    with source.connect() as reading, target.begin() as writing:
        for table in tables.sorted_tables:
            rows = [dict(row._mapping) for row in reading.execute(select(old_tables.tables[table.name]))]
            for row in rows:
                row |= {key: at.replace(tzinfo=UTC) for key, at in row.items() if isinstance(at, datetime)}
            if rows and table.name != VERSION_TABLE:
                writing.execute(table.insert(), rows)
    source.dispose()
    target.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def upgraded(request: pytest.FixtureRequest, old: str) -> tuple[str, dict[str, int]]:
    """The database at head, and how many rows its tables had before."""
    before, url = count_rows(old), old
    if request.param == "postgres":
        url = request.getfixturevalue("empty_postgres_url")
        copy_to_postgres(old, url)
    upgrade_database(url)
    return url, before


def test_a_database_of_a_release_is_upgraded_and_keeps_its_rows(upgraded: tuple[str, dict[str, int]]) -> None:
    url, before = upgraded
    assert check_database(url).is_up_to_date
    after = count_rows(url)
    assert {name: after.get(name) for name in before} == before
    assert sum(count > 0 for count in before.values()) >= FILLED


def test_all_of_it_can_be_read(upgraded: tuple[str, dict[str, int]]) -> None:
    url, rows = upgraded
    at = datetime(2100, 1, 1, tzinfo=UTC)
    with open_db_store(url) as store:
        windows, versions = store.windows("digits"), store.versions("digits")
        records = [store.window_record("digits", window.id) for window in windows]
        counts = {
            "streams": len(store.stream_statuses(at)),
            "source_files": len(store.ingested_files("digits")),
            "windows": len(windows),
            "quarantined_rows": sum(len(store.bad_rows("digits", window.id)) for window in windows),
            "drift_reports": sum(record.report is not None for record in records),
            "growths": sum(record.plan is not None for record in records),
            "evaluations": sum(record.evaluation is not None for record in records),
            "gates": sum(len(record.gates) for record in records),
            "branches": len(store.branches("digits")),
            "tasks": len(store.tasks("digits")),
            "versions": len(versions),
            "decision_log": len(store.decision_log("digits")),
            "alias_changes": len(store.alias_changes("digits")),
            "outbox": len(store.outbox.pending(limit=1000)),
            "ticks": len([store.last_tick("digits")]),
            "processes": len(store.processes()),
            "removed_files": len(store.removed_files("digits")),
        }
        assert counts == {name: rows[TABLE_PREFIX + name] for name in counts}
        assert all(version.manifest.branches for version in versions)
        assert store.stream("digits").champion == versions[-1].number
        claimed = store.claim("digits", "bob", at, 60)
        assert claimed is not None, "the worker that held it has ended with the old version"
    with closing(open_db_api_records(url)) as api_records:
        assert [(key.name, key.role) for key in api_records.keys()] == [("ada", Role.OPERATOR)]  # noqa: SIM118
