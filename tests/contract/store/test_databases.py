"""What only a database can get wrong: where it is, what it holds, who else uses it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text

from growlearn.adapters.db.engine import parse_database_url
from growlearn.adapters.db.revision import get_current_revision
from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.db.tables import Base
from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.errors import CorruptArtifact, GrowLearnError
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.job import Job
from growlearn.domain.lineage import Manifest, Version
from growlearn.ports import Store


def _execute(url: str, statement: str) -> None:
    engine = create_engine(parse_database_url(url))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_a_database_behind_asks_for_the_upgrade(url: str) -> None:
    _execute(url, "UPDATE growlearn_alembic_version SET version_num = '0000'")

    with pytest.raises(GrowLearnError, match=r"at revision 0000, .* \(run: growlearn db upgrade\)"):
        open_db_store(url)


def test_a_database_of_a_newer_growlearn_asks_for_a_newer_growlearn(url: str) -> None:
    _execute(url, "UPDATE growlearn_alembic_version SET version_num = '9999'")

    with pytest.raises(GrowLearnError, match=r"newer than .* \(upgrade growlearn"):
        open_db_store(url)


def test_a_database_without_tables_asks_for_the_upgrade(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()

    with pytest.raises(GrowLearnError, match=r"no GrowLearn tables yet \(run: growlearn db upgrade\)"):
        open_db_store(f"sqlite:///{tmp_path}/empty.db")


def test_looking_for_a_database_does_not_make_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/folder/growlearn.db"

    assert get_current_revision(url) is None
    with pytest.raises(GrowLearnError, match="no GrowLearn tables yet"):
        open_db_store(url)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear database, " * 100)

    with pytest.raises(GrowLearnError, match=r"letter\.db: file is not a database"):
        open_db_store(f"sqlite:///{tmp_path}/letter.db")


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("nonsense", "no database URL"),
        ("mysql://user@host/db", "does not know databases of kind 'mysql'"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_a_url_that_cannot_be_used_says_what_to_write(url: str, complaint: str) -> None:
    with pytest.raises(GrowLearnError, match=rf"{complaint}.*\(write sqlite:///"):
        open_db_store(url)


def test_an_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(GrowLearnError) as error:
        open_db_store("postgresql://ada:secret@127.0.0.1:1/none")

    assert "postgresql+psycopg://ada:***@127.0.0.1:1/none" in str(error.value)
    assert "secret" not in str(error.value)
    assert error.value.hint is not None


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_bare_postgresql_url_means_psycopg_3(scheme: str) -> None:
    assert parse_database_url(f"{scheme}://ada@host/db").drivername == "postgresql+psycopg"


def test_sqlite_is_set_up_for_several_processes(sqlite_url: str, job: Job, at: datetime) -> None:
    with open_db_store(sqlite_url) as store:
        store.apply(job, at)
        with store._engine.connect() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "foreign_keys", "busy_timeout")
            }

    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_writer_waits_for_another_instead_of_failing(sqlite_url: str, job: Job, at: datetime) -> None:
    """Another process holds the write lock for half a second after we know that it has it."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, sqlite_url.removeprefix("sqlite:///")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    with open_db_store(sqlite_url) as store, holder:
        assert holder.stdout.readline() == "held\n"
        store.apply(job, at)

    with open_db_store(sqlite_url) as store:
        assert store.stream("digits").created_at == at


_HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(0.5)
connection.execute("COMMIT")
"""


def test_a_database_error_in_mid_work_is_one_a_person_can_read(url: str) -> None:
    with open_db_store(url) as store:
        _execute(url, "ALTER TABLE growlearn_ticks RENAME TO growlearn_tacks")

        with pytest.raises(GrowLearnError, match="growlearn_ticks"):
            store.last_tick("digits")


def test_the_evidence_is_in_columns_that_a_person_can_query(
    sqlite_url: str, promote_in: Callable[[Store], Version]
) -> None:
    with open_db_store(sqlite_url) as store:
        promote_in(store)
    query = """
        SELECT w.number, w.state, r.verdict, b.id, b.state, v.number
        FROM growlearn_windows w
        JOIN growlearn_drift_reports r ON (r.stream, r.window) = (w.stream, w.number)
        JOIN growlearn_branches b ON (b.stream, b.window) = (w.stream, w.number)
        JOIN growlearn_versions v ON (v.stream, v.window) = (w.stream, w.number)
    """
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute(query).fetchall() == [(1, "promoted", "drift", "b1", "accepted", 1)]


def test_a_manifest_is_stored_with_the_plan_and_with_the_version_and_nowhere_else(
    url: str, promote_in: Callable[..., Version], plan: GrowthPlan
) -> None:
    """One fact, one place: the decision log refers to the rows that hold a cycle's evidence."""
    branch_sha256 = "abcdef0123456789" * 4
    (branch,) = plan.parent_manifest.branches
    manifest = replace(plan.parent_manifest, branches=(replace(branch, sha256=branch_sha256),))
    planned = replace(plan, parent_manifest=manifest)
    with open_db_store(url) as store:
        promote_in(store, planned=planned, trained=replace(planned, seed=7), manifest=manifest)
        with store._engine.connect() as connection:
            rows = [
                (table.name, str(value))
                for table in Base.metadata.sorted_tables
                for row in connection.execute(text(f"SELECT * FROM {table.name}"))
                for value in row
            ]
        shown = [entry.transition for entry in store.decision_log("digits")]

    occurrences = [name for name, value in rows for _ in range(value.count(branch_sha256))]
    assert sorted(occurrences) == ["growlearn_growths", "growlearn_versions"]
    plans = [step.plan for step in shown if step is not None and step.plan is not None]
    assert [entry.parent_manifest for entry in plans] == [manifest, manifest]


@pytest.mark.parametrize(
    "change",
    [
        "replace(manifest, '[0,1,', '[1,0,')",  # classes swapped
        "manifest || ' '",
        "'no JSON'",
    ],
)
def test_a_manifest_changed_in_its_row_stops_what_would_load_it_and_nothing_else(
    url: str, change: str, promote_in: Callable[..., Version]
) -> None:
    with open_db_store(url) as store:
        intact = promote_in(store, 1)
        promote_in(store, 2)
        _execute(url, f"UPDATE growlearn_versions SET manifest = {change} WHERE number = 2")
        first, second = store.versions("digits")
        logged = store.decision_log("digits")

    assert first == intact
    assert (second.number, second.branches) == (2, ("b1", "b2"))
    assert isinstance(second.manifest, Manifest)
    for read in (lambda: second.manifest.tasks, lambda: second.manifest.inference_artifacts):
        with pytest.raises(CorruptArtifact, match=r"version 2 of stream 'digits' was changed after .* fsck"):
            read()
    assert len(logged) == 9


def test_the_digest_of_a_manifest_is_that_of_its_stored_text(
    url: str, promote_in: Callable[..., Version]
) -> None:
    with open_db_store(url) as store:
        promote_in(store)
        with store._engine.connect() as connection:
            query = text("SELECT manifest, manifest_sha256 FROM growlearn_versions")
            [(manifest, digest)] = connection.execute(query).all()
    assert sha256(manifest.encode()).hexdigest() == digest


def test_the_decision_log_takes_as_many_queries_for_many_windows_as_for_one(
    url: str, promote_in: Callable[..., Version]
) -> None:
    with open_db_store(url) as store:
        counts = []
        for number in range(1, 4):
            promote_in(store, number)
            statements: list[str] = []
            listener = _make_listener(statements)
            event.listen(store._engine, "before_cursor_execute", listener)
            entries = store.decision_log("digits")
            event.remove(store._engine, "before_cursor_execute", listener)
            counts.append(sum(statement.startswith("SELECT") for statement in statements))
            assert len(entries) == 1 + 4 * number

    assert len(set(counts)) == 1
    assert counts[0] <= 12


def _make_listener(statements: list[str]) -> Callable[..., None]:
    def listen(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    return listen


def test_deleting_a_stream_leaves_no_row_behind(url: str, promote_in: Callable[[Store], Version]) -> None:
    with open_db_store(url) as store:
        promote_in(store)
        store.delete("digits")
        with store._engine.connect() as connection:
            counts = {
                table.name: connection.scalar(text(f"SELECT count(*) FROM {table.name}"))
                for table in Base.metadata.sorted_tables
            }

    assert len(counts) == 26
    assert set(counts.values()) == {0}


def test_a_memory_store_that_is_closed_like_a_database_keeps_what_it_holds(job: Job, at: datetime) -> None:
    store = MemoryStore()
    with closing(store):
        stream = store.apply(job, at)
    assert store.streams() == (stream,)
