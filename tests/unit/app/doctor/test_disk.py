from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.app.doctor.disk import disk, room
from growlearn.app.doctor.finding import Finding, State
from growlearn.app.doctor.premises import Premises

_NOBODY = 65534


def test_a_place_that_is_not_there_yet_is_judged_by_what_is_above_it(premises: Premises) -> None:
    [finding] = disk(premises)
    home = premises.settings.home
    assert finding.found.startswith(f"home, database, artifacts, MLflow store in {home}: may be written, ")
    assert not home.exists()


@pytest.mark.parametrize(
    ("free_bytes", "state"),
    [(2**30, State.OK), (2**30 - 1, State.WARNING), (100 * 2**20, State.WARNING), (2**20, State.WRONG)],
)
def test_little_room_is_told_the_louder_the_less(free_bytes: int, state: State) -> None:
    assert room("home in /srv", free_bytes).state is state


def test_a_file_where_a_folder_should_be_is_told(premises: Premises) -> None:
    premises.settings.home.write_text("in the way")
    findings = list(disk(premises))
    assert [each.state for each in findings] == [State.WRONG] * 4
    assert findings[0].found.endswith(f"{premises.settings.home} is no folder")
    assert "GROWLEARN_HOME" in str(findings[0].cure)


@pytest.fixture
def locked(premises: Premises) -> Iterator[Premises]:
    """A home that its user may not write to, but for the folder of the artifacts; root may write anywhere."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        (home / "artifacts").mkdir(parents=True)
        (home / "artifacts").chmod(0o777)
        (home / "mlflow").mkdir()
        (home / "mlflow").chmod(0o777)
        (home / "mlflow" / "mlflow.db").touch(mode=0o444)
        home.chmod(0o555)
        yield replace(
            premises,
            settings=replace(
                premises.settings,
                home=home,
                database_url=f"sqlite:///{home}/growlearn.db",
                artifacts_url=str(home / "artifacts"),
                mlflow_tracking_uri=f"sqlite:///{home}/mlflow/mlflow.db",
            ),
        )
        home.chmod(0o755)


def test_what_this_user_may_not_write_is_told(locked: Premises) -> None:
    list(disk(locked))  # whatever is imported is so before the user changes
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        home, database, mlflow, artifacts = pool.submit(_disk_of_nobody, locked).result()
    there = locked.settings.home
    assert home.found == f"home: this user may not write to {there}"
    assert database.found == f"database: this user may not write to {there}"
    assert mlflow.found == f"MLflow store: this user may not write to {there / 'mlflow' / 'mlflow.db'}"
    assert (artifacts.state, artifacts.found.startswith("artifacts in")) == (State.OK, True)


def _disk_of_nobody(premises: Premises) -> list[Finding]:
    if os.geteuid() == 0:
        os.setuid(_NOBODY)
    return list(disk(premises))


def test_what_lies_elsewhere_is_no_matter_of_this_disk(premises: Premises) -> None:
    remote = replace(
        premises.settings,
        database_url="postgresql://h/d",
        artifacts_url="memory://artifacts",
        mlflow_tracking_uri="http://h",
    )
    [finding] = disk(replace(premises, settings=remote))
    assert finding.found.startswith("home in ")


def test_a_setting_that_cannot_be_used_hides_no_other(premises: Premises) -> None:
    odd = replace(premises.settings, database_url="nonsense", mlflow_tracking_uri="ftp://h")
    [finding] = disk(replace(premises, settings=odd))
    assert finding.found.startswith("home, artifacts in ")
