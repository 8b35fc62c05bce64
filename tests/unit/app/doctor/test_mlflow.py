from __future__ import annotations

import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.adapters.mlflow.client import open_client
from growlearn.app.doctor.context import CheckContext
from growlearn.app.doctor.finding import Finding, FindingState
from growlearn.app.doctor.mlflow import mlflow
from growlearn.app.doctor.run_checks import run_check

Look = Callable[[], Finding]


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store to copy, which takes seconds to make."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    open_client(f"sqlite:///{file}")
    return file


@pytest.fixture
def store(made_store: Path, context: CheckContext) -> Path:
    context.settings.home.mkdir()
    return Path(shutil.copy(made_store, context.settings.home / "mlflow.db"))


@pytest.fixture
def look(context: CheckContext) -> Look:
    return lambda: next(iter(run_check("mlflow", lambda: mlflow(context))))


def execute(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_store_that_is_not_there_is_made_at_first_use(look: Look, context: CheckContext) -> None:
    finding = look()
    assert (finding.state, "created at the first delivery" in finding.message) == (FindingState.OK, True)
    assert not context.settings.home.exists()


def test_a_store_is_read_and_left_as_it_was(look: Look, store: Path) -> None:
    before = store.read_bytes()
    finding = look()
    assert (finding.state, "can be read, at revision" in finding.message) == (FindingState.OK, True)
    assert store.read_bytes() == before
    assert [path.name for path in store.parent.iterdir()] == ["mlflow.db"]


def test_a_store_of_another_mlflow_is_to_be_upgraded(look: Look, store: Path) -> None:
    execute(store, "UPDATE alembic_version SET version_num = 'abc'")
    finding = look()
    assert (finding.state, "is at revision abc, this mlflow needs" in finding.message) == (
        FindingState.ERROR,
        True,
    )
    assert finding.hint == f"make a copy of it, then run: mlflow db upgrade sqlite+pysqlite:///{store}"


def test_a_store_that_lacks_a_table_is_told(look: Look, store: Path) -> None:
    execute(store, "DROP TABLE model_versions")
    finding = look()
    assert (finding.state, finding.message.endswith("lacks model_versions")) == (FindingState.ERROR, True)


def test_a_file_that_is_no_database_is_told(look: Look, store: Path) -> None:
    store.write_text("not a database, but long enough to be read as one" * 20)
    finding = look()
    assert (finding.state, "file is not a database" in finding.message) == (FindingState.ERROR, True)


def test_a_damaged_store_is_told(look: Look, store: Path) -> None:
    content = bytearray(store.read_bytes())
    content[8 * 4096 : 12 * 4096] = b"\xff" * 4 * 4096
    store.write_bytes(content)
    finding = look()
    assert finding.state is FindingState.ERROR
    assert "damaged" in finding.message or "malformed" in finding.message


def test_a_server_that_does_not_answer_is_told_without_its_password(context: CheckContext) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        uri = f"http://user:secret@127.0.0.1:{taken.getsockname()[1]}"
        away = replace(context, settings=replace(context.settings, mlflow_tracking_uri=uri))
        [finding] = mlflow(away)
    assert (finding.state, "does not answer" in finding.message) == (FindingState.ERROR, True)
    assert "GROWLEARN_MLFLOW_TRACKING_URI" in str(finding.hint)
    assert "secret" not in finding.message


def test_an_address_that_cannot_be_is_told(context: CheckContext) -> None:
    odd = replace(context, settings=replace(context.settings, mlflow_tracking_uri="./mlruns"))
    [finding] = run_check("mlflow", lambda: mlflow(odd))
    assert (finding.state, "cannot be used" in finding.message) == (FindingState.ERROR, True)
