"""The migrations make exactly the tables the code knows, once, beside whatever else is there."""

from __future__ import annotations

import logging
import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, inspect, text
from sqlalchemy.schema import CreateTable

from growlearn.adapters.db.engine import connect, read_url, sqlite_file
from growlearn.adapters.db.migrate import alone, check, config, migrations_folder, upgrade
from growlearn.adapters.db.revision import current_revision
from growlearn.adapters.db.store import open_store
from growlearn.adapters.db.tables import HEAD, PREFIX, VERSION_TABLE, Base
from growlearn.domain.errors import GrowLearnError


def _tables(url: str) -> set[str]:
    engine = connect(url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def _execute(url: str, *statements: str) -> None:
    engine = connect(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _make_folder(url: str) -> None:
    file = sqlite_file(read_url(url))
    if file is not None:
        file.parent.mkdir(parents=True)


def _schema(url: str) -> dict[str, list[str]]:
    """Every table's columns and constraints as the database itself describes them."""
    engine = connect(url)
    found = MetaData()
    found.reflect(engine)
    engine.dispose()
    described = {table.name: str(CreateTable(table).compile(engine)) for table in found.sorted_tables}
    return {
        name: sorted(line.strip(", \t") for line in text.splitlines()) for name, text in described.items()
    }


def test_an_upgrade_from_nothing_gives_the_tables_the_code_knows(url: str) -> None:
    assert current_revision(url) is None

    upgrade(url)

    state = check(url)
    assert state.differences == ()
    assert state.sound
    assert current_revision(url) == HEAD
    assert _tables(url) == {*Base.metadata.tables, VERSION_TABLE}
    open_store(url).close()


def test_migrated_and_declared_tables_are_the_same_to_the_letter(url: str) -> None:
    """Autogenerate does not look at primary keys, constraint names or ON DELETE; this does."""
    upgrade(url)
    migrated = _schema(url)
    migrated.pop(VERSION_TABLE)
    with alone(url) as connection:
        command.downgrade(config(connection), "base")
    engine = connect(url)
    Base.metadata.create_all(engine)
    engine.dispose()
    declared = _schema(url)
    declared.pop(VERSION_TABLE)

    assert migrated == declared


def test_every_table_carries_the_prefix() -> None:
    assert all(name.startswith(PREFIX) for name in Base.metadata.tables)


def test_there_is_one_head_and_the_code_knows_it(url: str) -> None:
    upgrade(url)

    with alone(url) as connection:
        script = ScriptDirectory.from_config(config(connection))

    assert script.get_heads() == [HEAD]


def test_upgrading_again_changes_nothing(url: str) -> None:
    upgrade(url)
    before = _schema(url)

    upgrade(url)

    assert _schema(url) == before


def test_a_downgrade_to_base_leaves_nothing(url: str) -> None:
    upgrade(url)

    with alone(url) as connection:
        command.downgrade(config(connection), "base")

    assert _tables(url) == {VERSION_TABLE}
    assert current_revision(url) is None
    upgrade(url)
    assert check(url).sound


def test_the_effect_of_a_score_recorded_before_effects_is_not_known(url: str) -> None:
    _make_folder(url)
    with alone(url) as connection:
        command.upgrade(config(connection), "0001")
    at = "'2026-01-01 00:00:00+00:00'"
    _execute(
        url,
        f"INSERT INTO growlearn_streams (name, job, created_at, updated_at) VALUES ('s', '{{}}', {at}, {at})",
        "INSERT INTO growlearn_windows (stream, number, state, source, discovered_at, updated_at, rows, "
        f"quarantined_rows, failures) VALUES ('s', 1, 'settled', 'f', {at}, {at}, 9, 0, 0)",
        'INSERT INTO growlearn_drift_reports (stream, "window", verdict, reason, alpha) '
        "VALUES ('s', 1, 'stable', 'still', 0.05)",
        'INSERT INTO growlearn_drift_scores (stream, "window", position, detector, task, name, statistic, '
        "p_value, threshold, reference_rows, window_rows) VALUES ('s', 1, 0, 'd', 't', 'n', 1, 1, 1, 9, 9)",
    )

    upgrade(url)

    store = open_store(url)
    report = store.record("s", "w1").report
    store.close()
    assert report is not None
    assert [math.isnan(score.effect) for score in report.scores] == [True]


def test_an_upgrade_that_fails_leaves_nothing_behind(url: str) -> None:
    _make_folder(url)
    _execute(url, "CREATE TABLE growlearn_ticks (id INTEGER)")

    with pytest.raises(GrowLearnError, match="growlearn_ticks"):
        upgrade(url)

    assert _tables(url) == {"growlearn_ticks"}


def test_two_upgrades_at_once_are_one(url: str) -> None:
    code = (
        "import sys; from growlearn.adapters.db.migrate import upgrade; "
        "print('ready', flush=True); sys.stdin.readline(); upgrade(sys.argv[1])"
    )
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code, url], stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]

    assert outcomes == [("", 0)] * 3
    assert check(url).sound


def test_an_upgrade_waits_for_whoever_holds_a_fresh_file(sqlite_url: str) -> None:
    """SQLite does not wait by itself when it is told to change to a write-ahead log."""
    _make_folder(sqlite_url)
    file = sqlite_file(read_url(sqlite_url))
    assert file is not None
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        timer = Timer(0.3, holder.execute, ["COMMIT"])
        timer.start()

        upgrade(sqlite_url)

        timer.join()
    assert check(sqlite_url).sound


def test_other_tables_in_the_database_are_left_alone(url: str) -> None:
    """MLflow's tables have plain names: runs, jobs, tags and Alembic's own alembic_version."""
    _make_folder(url)
    names = ("runs", "jobs", "tags", "alembic_version")
    for name in names:
        _execute(
            url, f"CREATE TABLE {name} (id VARCHAR(32) PRIMARY KEY)", f"INSERT INTO {name} VALUES ('theirs')"
        )
    before = _schema(url)

    upgrade(url)

    assert check(url).sound
    after = _schema(url)
    assert {name: after[name] for name in names} == before
    with alone(url) as connection:
        command.downgrade(config(connection), "base")
    assert _tables(url) == {*names, VERSION_TABLE}
    engine = connect(url)
    with engine.connect() as connection:
        assert [connection.scalar(text(f"SELECT id FROM {name}")) for name in names] == ["theirs"] * 4
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("ALTER TABLE growlearn_streams DROP COLUMN base", "add_column"),
        ("ALTER TABLE growlearn_streams ADD COLUMN mood VARCHAR(9)", "remove_column"),
        ("CREATE TABLE growlearn_moods (id INTEGER PRIMARY KEY)", "remove_table"),
        ("DROP TABLE growlearn_ticks", "add_table"),
        ("DROP INDEX ix_growlearn_windows_stream_state", "add_index"),
    ],
)
def test_a_check_tells_how_tables_differ_and_changes_nothing(url: str, statement: str, told: str) -> None:
    upgrade(url)
    _execute(url, statement)
    before = _schema(url)

    state = check(url)

    assert not state.sound
    assert state.current == HEAD
    assert len(state.differences) == 1
    assert told in state.differences[0]
    assert _schema(url) == before


def test_a_check_of_a_database_that_is_not_there(url: str) -> None:
    state = check(url)

    assert (state.current, state.head, state.sound) == (None, HEAD, False)


def test_an_upgrade_leaves_logging_alone(sqlite_url: str) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("alembic").level)

    upgrade(sqlite_url)

    assert (root.level, list(root.handlers), logging.getLogger("alembic").level) == before


def test_the_migrations_are_found_beside_the_checkout() -> None:
    assert (migrations_folder() / "versions").is_dir()


def test_an_installed_growlearn_finds_the_migrations_inside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "growlearn" / "_bundled" / "migrations"
    monkeypatch.setattr("growlearn.__file__", str(tmp_path / "growlearn" / "__init__.py"))

    with pytest.raises(GrowLearnError, match="migrations are missing"):
        migrations_folder()

    inside.mkdir(parents=True)
    (inside / "env.py").touch()
    assert migrations_folder() == inside
