from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from growlearn.adapters.db.engine import connect
from growlearn.adapters.db.migrate import alone, config, upgrade
from growlearn.adapters.db.tables import HEAD, VERSION_TABLE
from growlearn.app.doctor.database import database
from growlearn.app.doctor.examine import made
from growlearn.app.doctor.finding import Finding, State
from growlearn.app.doctor.premises import Premises

Look = Callable[[], list[Finding]]


@pytest.fixture
def look(premises: Premises) -> Look:
    return lambda: list(made("database", lambda: database(premises)))


@pytest.fixture
def run(installation: Any) -> Callable[..., None]:
    """Do something to the database of the installation."""

    def execute(*statements: str) -> None:
        engine = connect(installation.settings.database_url, foreign_keys=False)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    return execute


def only(findings: list[Finding]) -> tuple[State, str, str]:
    [finding] = findings
    assert finding.check == "database"
    return finding.state, finding.found, str(finding.cure)


def test_a_database_at_head_is_sound(look: Look, installation: Any) -> None:
    state, found, _ = only(look())
    assert (state, f"is sound, at revision {HEAD}" in found) == (State.OK, True)


def test_tables_of_mlflow_beside_ours_are_no_matter(look: Look, run: Any) -> None:
    run("CREATE TABLE runs (x INTEGER)", "CREATE TABLE alembic_version (version_num TEXT)")
    state, found, _ = only(look())
    assert (state, "beside 2 tables of others" in found) == (State.OK, True)


@pytest.mark.parametrize("is_there", [False, True])
def test_where_nothing_is_yet_the_way_in_is_told(is_there: bool, look: Look, settings: Any) -> None:
    if is_there:  # SQLite makes the file before its tables
        settings.home.mkdir()
        (settings.home / "growlearn.db").touch()
    state, found, cure = only(look())
    assert (state, found.startswith("nothing here yet")) == (State.WARNING, True)
    assert cure == "run: growlearn demo, or growlearn init DATA"
    assert settings.home.exists() == is_there


def test_an_old_migration_is_to_be_upgraded(look: Look, installation: Any) -> None:
    with alone(installation.settings.database_url) as connection:
        command.downgrade(config(connection), "0002")
    state, found, cure = only(look())
    assert state is State.WRONG
    assert f"is at revision 0002, {HEAD} is wanted" in found
    assert cure == "run: growlearn db upgrade"


def test_a_newer_migration_wants_a_newer_growlearn(look: Look, run: Any) -> None:
    run(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    state, found, cure = only(look())
    assert (state, "newer than" in found) == (State.WRONG, True)
    assert cure == "upgrade growlearn: pip install --upgrade growlearn"


def test_a_table_of_others_under_our_prefix_is_told_once(look: Look, run: Any) -> None:
    run("CREATE TABLE growlearn_plans (x INTEGER)")
    state, found, cure = only(look())
    assert state is State.WRONG
    assert "tables that are not ours under our prefix: growlearn_plans" in found
    assert cure.startswith("rename them")


def test_our_tables_without_our_revision_would_stop_a_migration(look: Look, run: Any) -> None:
    run(f"DROP TABLE {VERSION_TABLE}")
    state, found, cure = only(look())
    assert (state, "growlearn_streams" in found, "no revision" in found) == (State.WRONG, True, True)
    assert "move these tables away" in cure


def test_our_revision_without_our_tables_is_told(look: Look, premises: Premises, settings: Any) -> None:
    settings.home.mkdir()
    engine = connect(settings.database_url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {VERSION_TABLE} (version_num TEXT)"))
        connection.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES ('{HEAD}')"))
    engine.dispose()
    state, found, cure = only(look())
    assert state is State.WRONG
    assert f"says revision {HEAD} in {VERSION_TABLE}, but holds none of our tables" in found
    assert f"drop {VERSION_TABLE}" in cure


def test_a_changed_table_is_told(look: Look, run: Any) -> None:
    run("ALTER TABLE growlearn_streams ADD COLUMN colour TEXT", "CREATE TABLE growlearn_plans (x INTEGER)")
    intruding, changed = look()
    assert "growlearn_plans" in intruding.found
    assert (changed.state, "1 difference from our newest tables" in changed.found) == (State.WRONG, True)
    assert "colour" in changed.found


def test_a_damaged_file_is_told(look: Look, installation: Any, run: Any) -> None:
    file = Path(installation.settings.home / "growlearn.db")
    run("CREATE TABLE big (x TEXT)", f"INSERT INTO big VALUES ('{'x' * 50_000}')")
    installation.store.close()
    content = bytearray(file.read_bytes())
    content[-16_000:-8_000] = b"\xff" * 8_000
    file.write_bytes(content)
    state, found, cure = only(look())
    assert (state, "is damaged" in found) == (State.WRONG, True)
    assert "from a backup" in cure


def test_a_file_that_is_no_database_is_told(look: Look, settings: Any) -> None:
    settings.home.mkdir()
    (settings.home / "growlearn.db").write_text("not a database, but long enough to be read as one" * 20)
    state, found, _ = only(look())
    assert (state, "file is not a database" in found) == (State.WRONG, True)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://user:secret@127.0.0.1:{port}/x", "refused"),
        ("mysql://127.0.0.1/x", "does not know databases of kind 'mysql'"),
        ("nonsense", "'nonsense' is no database URL"),
    ],
)
def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    url: str, told: str, premises: Premises
) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        url = url.format(port=taken.getsockname()[1])
        away = replace(premises, settings=replace(premises.settings, database_url=url))
        state, found, cure = only(list(made("database", lambda: database(away))))
    assert (state, told in found) == (State.WRONG, True)
    assert cure != "None"
    assert "secret" not in found + cure


def test_a_server_is_prepared_by_hand(premises: Premises, empty_postgres_url: str) -> None:
    server = replace(premises, settings=replace(premises.settings, database_url=empty_postgres_url))
    state, found, cure = only(list(database(server)))
    assert (state, "has no GrowLearn tables yet" in found) == (State.WRONG, True)
    assert cure == "run: growlearn db upgrade"
    upgrade(empty_postgres_url)
    assert only(list(database(server)))[0] is State.OK
