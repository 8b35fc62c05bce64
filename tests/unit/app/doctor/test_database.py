from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from growlearn.adapters.db.engine import connect
from growlearn.adapters.db.migrate import upgrade_database
from growlearn.adapters.db.tables import HEAD_REVISION, VERSION_TABLE
from growlearn.app.doctor.context import CheckContext
from growlearn.app.doctor.database import database
from growlearn.app.doctor.finding import Finding, FindingState
from growlearn.app.doctor.run_checks import run_check

Look = Callable[[], list[Finding]]


@pytest.fixture
def look(context: CheckContext) -> Look:
    return lambda: list(run_check("database", lambda: database(context)))


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


def only(findings: list[Finding]) -> tuple[FindingState, str, str]:
    [finding] = findings
    assert finding.check == "database"
    return finding.state, finding.message, str(finding.hint)


def test_a_database_at_head_is_sound(look: Look, installation: Any) -> None:
    state, message, _ = only(look())
    assert (state, f"is sound, at revision {HEAD_REVISION}" in message) == (FindingState.OK, True)


def test_tables_of_mlflow_beside_ours_are_no_matter(look: Look, run: Any) -> None:
    run("CREATE TABLE runs (x INTEGER)", "CREATE TABLE alembic_version (version_num TEXT)")
    state, message, _ = only(look())
    assert (state, "beside 2 tables of other programs" in message) == (FindingState.OK, True)


@pytest.mark.parametrize("is_there", [False, True])
def test_where_nothing_is_yet_the_way_in_is_told(is_there: bool, look: Look, settings: Any) -> None:
    if is_there:  # SQLite creates the file before its tables
        settings.home.mkdir()
        (settings.home / "growlearn.db").touch()
    state, message, hint = only(look())
    assert (state, message.startswith("nothing here yet")) == (FindingState.WARNING, True)
    assert hint == "run: growlearn demo, or growlearn init DATA"
    assert settings.home.exists() == is_there


def test_an_old_migration_is_to_be_upgraded(look: Look, run: Any) -> None:
    run(f"UPDATE {VERSION_TABLE} SET version_num = '0000'")
    state, message, hint = only(look())
    assert state is FindingState.ERROR
    assert f"is at revision 0000, {HEAD_REVISION} is wanted" in message
    assert hint == "run: growlearn db upgrade"


def test_a_database_of_before_the_first_release_cannot_be_read(look: Look, run: Any) -> None:
    run(f"UPDATE {VERSION_TABLE} SET version_num = '0002'")
    state, message, hint = only(look())
    assert state is FindingState.ERROR
    assert "was made before GrowLearn's first release (revision 0002)" in message
    assert "set GROWLEARN_HOME to a new folder" in hint


def test_a_newer_migration_wants_a_newer_growlearn(look: Look, run: Any) -> None:
    run(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    state, message, hint = only(look())
    assert (state, "newer than" in message) == (FindingState.ERROR, True)
    assert hint == "upgrade growlearn: pip install --upgrade growlearn"


def test_a_table_of_others_under_our_prefix_is_told_once(look: Look, run: Any) -> None:
    run("CREATE TABLE growlearn_plans (x INTEGER)")
    state, message, hint = only(look())
    assert state is FindingState.ERROR
    assert "tables that are not ours under our prefix: growlearn_plans" in message
    assert hint.startswith("rename them")


def test_our_tables_without_our_revision_would_stop_a_migration(look: Look, run: Any) -> None:
    run(f"DROP TABLE {VERSION_TABLE}")
    state, message, hint = only(look())
    assert (state, "growlearn_streams" in message, "none of our revisions" in message) == (
        FindingState.ERROR,
        True,
        True,
    )
    assert "move these tables away" in hint


def test_our_revision_without_our_tables_is_told(look: Look, context: CheckContext, settings: Any) -> None:
    settings.home.mkdir()
    engine = connect(settings.database_url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {VERSION_TABLE} (version_num TEXT)"))
        connection.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES ('{HEAD_REVISION}')"))
    engine.dispose()
    state, message, hint = only(look())
    assert state is FindingState.ERROR
    assert f"says revision {HEAD_REVISION} in {VERSION_TABLE}, but holds none of our tables" in message
    assert f"drop {VERSION_TABLE}" in hint


def test_a_changed_table_is_told(look: Look, run: Any) -> None:
    run("ALTER TABLE growlearn_streams ADD COLUMN colour TEXT", "CREATE TABLE growlearn_plans (x INTEGER)")
    intruding, changed = look()
    assert "growlearn_plans" in intruding.message
    assert (changed.state, "1 difference from our newest tables" in changed.message) == (
        FindingState.ERROR,
        True,
    )
    assert "colour" in changed.message


def test_a_damaged_file_is_told(look: Look, installation: Any, run: Any) -> None:
    file = Path(installation.settings.home / "growlearn.db")
    run("CREATE TABLE big (x TEXT)", f"INSERT INTO big VALUES ('{'x' * 50_000}')")
    installation.store.close()
    content = bytearray(file.read_bytes())
    content[-16_000:-8_000] = b"\xff" * 8_000
    file.write_bytes(content)
    state, message, hint = only(look())
    assert (state, "is damaged" in message) == (FindingState.ERROR, True)
    assert "from a backup" in hint


def test_a_file_that_is_no_database_is_told(look: Look, settings: Any) -> None:
    settings.home.mkdir()
    (settings.home / "growlearn.db").write_text("not a database, but long enough to be read as one" * 20)
    state, message, _ = only(look())
    assert (state, "file is not a database" in message) == (FindingState.ERROR, True)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("postgresql://user:secret@127.0.0.1:{port}/x", "refused"),
        ("mysql://127.0.0.1/x", "does not know databases of kind 'mysql'"),
        ("nonsense", "'nonsense' is no database URL"),
    ],
)
def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    url: str, part: str, context: CheckContext
) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        url = url.format(port=taken.getsockname()[1])
        away = replace(context, settings=replace(context.settings, database_url=url))
        state, message, hint = only(list(run_check("database", lambda: database(away))))
    assert (state, part in message) == (FindingState.ERROR, True)
    assert hint != "None"
    assert "secret" not in message + hint


def test_a_server_is_prepared_by_hand(context: CheckContext, empty_postgres_url: str) -> None:
    server = replace(context, settings=replace(context.settings, database_url=empty_postgres_url))
    state, message, hint = only(list(database(server)))
    assert (state, "has no GrowLearn tables yet" in message) == (FindingState.ERROR, True)
    assert hint == "run: growlearn db upgrade"
    upgrade_database(empty_postgres_url)
    assert only(list(database(server)))[0] is FindingState.OK
