from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from growlearn.app.doctor.context import CheckContext
from growlearn.app.doctor.disk import check_free_space, disk
from growlearn.app.doctor.finding import Finding, FindingState

_NOBODY = 65534


def test_a_place_that_is_not_there_yet_is_judged_by_what_is_above_it(context: CheckContext) -> None:
    [finding] = disk(context)
    home = context.settings.home
    assert finding.message.startswith(f"home, database, artifacts, MLflow store in {home}: writable, ")
    assert not home.exists()


@pytest.mark.parametrize(
    ("free_bytes", "state"),
    [
        (2**30, FindingState.OK),
        (2**30 - 1, FindingState.WARNING),
        (100 * 2**20, FindingState.WARNING),
        (2**20, FindingState.ERROR),
    ],
)
def test_little_room_is_told_the_louder_the_less(free_bytes: int, state: FindingState) -> None:
    assert check_free_space("home in /srv", free_bytes).state is state


def test_a_file_where_a_folder_should_be_is_told(context: CheckContext) -> None:
    context.settings.home.write_text("in the way")
    findings = list(disk(context))
    assert [finding.state for finding in findings] == [FindingState.ERROR] * 4
    assert findings[0].message.endswith(f"{context.settings.home} is not a folder")
    assert "GROWLEARN_HOME" in str(findings[0].hint)


@pytest.fixture
def locked(context: CheckContext) -> Iterator[CheckContext]:
    """A home that its user may not write to, except the folder of the artifacts; root may write anywhere."""
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
            context,
            settings=replace(
                context.settings,
                home=home,
                database_url=f"sqlite:///{home}/growlearn.db",
                artifacts_url=str(home / "artifacts"),
                mlflow_tracking_uri=f"sqlite:///{home}/mlflow/mlflow.db",
            ),
        )
        home.chmod(0o755)


def test_what_this_user_may_not_write_is_told(locked: CheckContext) -> None:
    list(disk(locked))  # so that all imports happen before the user changes
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        home, database, mlflow, artifacts = pool.submit(_disk_of_nobody, locked).result()
    there = locked.settings.home
    assert home.message == f"home: this user may not write to {there}"
    assert database.message == f"database: this user may not write to {there}"
    assert mlflow.message == f"MLflow store: this user may not write to {there / 'mlflow' / 'mlflow.db'}"
    assert (artifacts.state, artifacts.message.startswith("artifacts in")) == (FindingState.OK, True)


def _disk_of_nobody(context: CheckContext) -> list[Finding]:
    if os.geteuid() == 0:
        os.setuid(_NOBODY)
    return list(disk(context))


def test_what_lies_elsewhere_is_no_matter_of_this_disk(context: CheckContext) -> None:
    remote = replace(
        context.settings,
        database_url="postgresql://h/d",
        artifacts_url="memory://artifacts",
        mlflow_tracking_uri="http://h",
    )
    [finding] = disk(replace(context, settings=remote))
    assert finding.message.startswith("home in ")


def test_a_setting_that_cannot_be_used_hides_no_other(context: CheckContext) -> None:
    odd = replace(context.settings, database_url="nonsense", mlflow_tracking_uri="ftp://h")
    [finding] = disk(replace(context, settings=odd))
    assert finding.message.startswith("home, artifacts in ")
