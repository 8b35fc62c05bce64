"""The migrations create exactly the tables the code declares, once, beside tables of other programs."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, inspect, text
from sqlalchemy.schema import CreateTable

from growlearn.adapters.db.engine import connect, get_sqlite_path, parse_database_url
from growlearn.adapters.db.migrate import (
    check_database,
    find_migrations_folder,
    make_alembic_config,
    migration_transaction,
    upgrade_database,
)
from growlearn.adapters.db.revision import get_current_revision
from growlearn.adapters.db.store import open_db_store
from growlearn.adapters.db.tables import HEAD_REVISION, TABLE_PREFIX, VERSION_TABLE, Base
from growlearn.domain.errors import GrowLearnError


def _list_tables(url: str) -> set[str]:
    engine = connect(url)
    tables = set(inspect(engine).get_table_names())
    engine.dispose()
    return tables


def _execute(url: str, *statements: str) -> None:
    engine = connect(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _make_folder(url: str) -> None:
    file = get_sqlite_path(parse_database_url(url))
    if file is not None:
        file.parent.mkdir(parents=True)


def _read_schema(url: str) -> dict[str, list[str]]:
    """Every table's columns and constraints as the database itself describes them."""
    engine = connect(url)
    metadata = MetaData()
    metadata.reflect(engine)
    engine.dispose()
    described = {table.name: str(CreateTable(table).compile(engine)) for table in metadata.sorted_tables}
    return {
        name: sorted(line.strip(", \t") for line in text.splitlines()) for name, text in described.items()
    }


def test_an_upgrade_from_nothing_gives_the_tables_the_code_knows(url: str) -> None:
    assert get_current_revision(url) is None

    upgrade_database(url)

    state = check_database(url)
    assert state.differences == ()
    assert state.is_up_to_date
    assert get_current_revision(url) == HEAD_REVISION
    assert _list_tables(url) == {*Base.metadata.tables, VERSION_TABLE}
    open_db_store(url).close()


def test_migrated_and_declared_tables_are_the_same_to_the_letter(url: str) -> None:
    """Autogenerate does not look at primary keys, constraint names or ON DELETE; this does."""
    upgrade_database(url)
    migrated = _read_schema(url)
    migrated.pop(VERSION_TABLE)
    with migration_transaction(url) as connection:
        command.downgrade(make_alembic_config(connection), "base")
    engine = connect(url)
    Base.metadata.create_all(engine)
    engine.dispose()
    declared = _read_schema(url)
    declared.pop(VERSION_TABLE)

    assert migrated == declared


def test_every_table_carries_the_prefix() -> None:
    assert all(name.startswith(TABLE_PREFIX) for name in Base.metadata.tables)


def test_there_is_one_head_and_the_code_knows_it(url: str) -> None:
    upgrade_database(url)

    with migration_transaction(url) as connection:
        script = ScriptDirectory.from_config(make_alembic_config(connection))

    assert script.get_heads() == [HEAD_REVISION]


def test_upgrading_again_changes_nothing(url: str) -> None:
    upgrade_database(url)
    before = _read_schema(url)

    upgrade_database(url)

    assert _read_schema(url) == before


def test_a_downgrade_to_base_leaves_nothing(url: str) -> None:
    upgrade_database(url)

    with migration_transaction(url) as connection:
        command.downgrade(make_alembic_config(connection), "base")

    assert _list_tables(url) == {VERSION_TABLE}
    assert get_current_revision(url) is None
    upgrade_database(url)
    assert check_database(url).is_up_to_date


@pytest.mark.parametrize("revision", ["0002", "0006"])
@pytest.mark.parametrize("action", [upgrade_database, check_database, open_db_store])
def test_a_database_made_before_the_first_release_is_refused(
    url: str, revision: str, action: Callable[[str], object]
) -> None:
    _make_folder(url)
    _execute(
        url,
        f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) PRIMARY KEY)",
        f"INSERT INTO {VERSION_TABLE} VALUES ('{revision}')",
        "CREATE TABLE growlearn_cells (id INTEGER)",
    )
    before = _read_schema(url)

    with pytest.raises(GrowLearnError) as refused:
        action(url)

    assert f"was made before GrowLearn's first release (revision {revision})" in refused.value.message
    assert refused.value.message.endswith("cannot be read or upgraded")
    assert str(refused.value.hint).startswith("make a new home: set GROWLEARN_HOME to a new folder")
    assert _read_schema(url) == before


@pytest.mark.parametrize("action", [upgrade_database, check_database])
def test_a_database_of_a_newer_growlearn_is_refused(url: str, action: Callable[[str], object]) -> None:
    upgrade_database(url)
    _execute(url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")

    with pytest.raises(GrowLearnError, match="at revision 9999, newer than") as refused:
        action(url)

    assert refused.value.hint == "upgrade growlearn: pip install --upgrade growlearn"


def test_a_refused_server_is_named_without_its_password(postgres_url: str) -> None:
    upgrade_database(postgres_url)
    _execute(postgres_url, f"UPDATE {VERSION_TABLE} SET version_num = '0006'")

    with pytest.raises(GrowLearnError) as refused:
        upgrade_database(postgres_url)

    url = parse_database_url(postgres_url)
    assert url.render_as_string(hide_password=True) in refused.value.message


def test_an_upgrade_that_fails_leaves_nothing_behind(url: str) -> None:
    _make_folder(url)
    _execute(url, "CREATE TABLE growlearn_ticks (id INTEGER)")

    with pytest.raises(GrowLearnError, match="growlearn_ticks"):
        upgrade_database(url)

    assert _list_tables(url) == {"growlearn_ticks"}


def test_two_upgrades_at_once_are_one(url: str) -> None:
    code = (
        "import sys; from growlearn.adapters.db.migrate import upgrade_database; "
        "print('ready', flush=True); sys.stdin.readline(); upgrade_database(sys.argv[1])"
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
    assert check_database(url).is_up_to_date


def test_an_upgrade_waits_for_whoever_holds_a_fresh_file(sqlite_url: str) -> None:
    """SQLite does not wait by itself when it is told to change to a write-ahead log."""
    _make_folder(sqlite_url)
    file = get_sqlite_path(parse_database_url(sqlite_url))
    assert file is not None
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        timer = Timer(0.3, holder.execute, ["COMMIT"])
        timer.start()

        upgrade_database(sqlite_url)

        timer.join()
    assert check_database(sqlite_url).is_up_to_date


def test_other_tables_in_the_database_are_left_alone(url: str) -> None:
    """MLflow's tables have plain names: runs, jobs, tags and Alembic's own alembic_version."""
    _make_folder(url)
    names = ("runs", "jobs", "tags", "alembic_version")
    for name in names:
        _execute(
            url, f"CREATE TABLE {name} (id VARCHAR(32) PRIMARY KEY)", f"INSERT INTO {name} VALUES ('foreign')"
        )
    before = _read_schema(url)

    upgrade_database(url)

    assert check_database(url).is_up_to_date
    after = _read_schema(url)
    assert {name: after[name] for name in names} == before
    with migration_transaction(url) as connection:
        command.downgrade(make_alembic_config(connection), "base")
    assert _list_tables(url) == {*names, VERSION_TABLE}
    engine = connect(url)
    with engine.connect() as connection:
        assert [connection.scalar(text(f"SELECT id FROM {name}")) for name in names] == ["foreign"] * 4
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "operation"),
    [
        ("ALTER TABLE growlearn_streams DROP COLUMN parent_version", "add_column"),
        ("ALTER TABLE growlearn_streams ADD COLUMN mood VARCHAR(9)", "remove_column"),
        ("CREATE TABLE growlearn_moods (id INTEGER PRIMARY KEY)", "remove_table"),
        ("DROP TABLE growlearn_ticks", "add_table"),
        ("DROP INDEX ix_growlearn_windows_stream_state", "add_index"),
    ],
)
def test_a_check_lists_how_tables_differ_and_changes_nothing(
    url: str, statement: str, operation: str
) -> None:
    upgrade_database(url)
    _execute(url, statement)
    before = _read_schema(url)

    state = check_database(url)

    assert not state.is_up_to_date
    assert state.current == HEAD_REVISION
    assert len(state.differences) == 1
    assert operation in state.differences[0]
    assert _read_schema(url) == before


def test_a_check_of_a_database_that_is_not_there(url: str) -> None:
    state = check_database(url)

    assert (state.current, state.head, state.is_up_to_date) == (None, HEAD_REVISION, False)


def test_an_upgrade_leaves_logging_alone(sqlite_url: str) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("alembic").level)

    upgrade_database(sqlite_url)

    assert (root.level, list(root.handlers), logging.getLogger("alembic").level) == before


def test_the_migrations_are_found_beside_the_checkout() -> None:
    assert (find_migrations_folder() / "versions").is_dir()


def test_an_installed_growlearn_finds_the_migrations_inside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "growlearn" / "_bundled" / "migrations"
    monkeypatch.setattr("growlearn.__file__", str(tmp_path / "growlearn" / "__init__.py"))

    with pytest.raises(GrowLearnError, match="migrations are missing"):
        find_migrations_folder()

    inside.mkdir(parents=True)
    (inside / "env.py").touch()
    assert find_migrations_folder() == inside
