"""`kill -9` of `growlearn run` at random moments changes nothing but the time it takes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from mlflow import MlflowClient

KILLS = 3


@pytest.mark.timeout(420)
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # MLflow's own queries
def test_killed_three_times_it_ends_as_if_undisturbed(
    make_home: Callable[[str], Any], digits: tuple[Any, list[int]]
) -> None:
    undisturbed, killed = make_home("undisturbed"), make_home("killed")
    for home in (undisturbed, killed):
        _drop_three_windows(home, digits)
    started = time.monotonic()
    undisturbed.growlearn("run", "digits.yaml")
    work_s = time.monotonic() - started

    moments = random.Random(7)
    for _ in range(KILLS):
        process = killed.start("run", "digits.yaml")
        _wait_for_work(process)
        # Early enough that each of them is cut short, though every run resumes where the last one ended.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=moments.uniform(0.02, 0.25) * work_s)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    killed.growlearn("run", "digits.yaml")

    assert _outcome(killed) == _outcome(undisturbed)
    assert _registry(killed) == _registry(undisturbed)
    windows = killed.json("windows", "digits")["windows"]
    assert [w["state"] for w in windows] == ["promoted", "promoted", "skipped"]


def _drop_three_windows(home: Any, digits: tuple[Any, list[int]]) -> None:
    images, labels = digits
    home.drop("1.parquet", images[:400], labels[:400])
    home.drop("2.parquet", 255 - images[400:800], labels[400:800])
    home.drop("3.parquet", images[800:1000], labels[800:1000])


def _wait_for_work(process: subprocess.Popen[str]) -> None:
    """Wait until the process has imported what it needs, and the lease of a killed one has expired."""
    assert process.stderr is not None
    for line in process.stderr:
        if not line.startswith("another worker holds"):
            return
    raise AssertionError(f"no progress: {process.communicate()}")


def _outcome(home: Any) -> dict[str, Any]:
    """All that the record holds, but for the times."""
    views: dict[str, Any] = {
        name: home.json(name, "digits") for name in ("matrix", "lineage", "versions", "windows")
    }
    for rows in (views["lineage"]["branches"], views["versions"]["versions"], views["windows"]["windows"]):
        for row in rows:
            for key in ("created_at", "source"):
                row.pop(key, None)
    return views


def _registry(home: Any) -> dict[str, Any]:
    """What MLflow holds: one run a window, one version a growth, the champion's number."""
    client = MlflowClient(f"sqlite:///{home.folder / 'home' / 'mlflow.db'}")
    experiments = [e.experiment_id for e in client.search_experiments(filter_string="name LIKE 'growlearn%'")]
    runs = client.search_runs(experiments)
    return {
        "runs": sorted((r.data.tags["growlearn.window"], r.data.tags["growlearn.state"]) for r in runs),
        "ended": {r.info.status for r in runs},
        "versions": sorted(
            (v.version, v.tags["growlearn.branches"]) for v in client.search_model_versions("name='digits'")
        ),
        "champion": client.get_model_version_by_alias("digits", "champion").version,
    }
