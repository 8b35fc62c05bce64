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

KILLS = 5


@pytest.mark.timeout(420)
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # MLflow's own queries
def test_killed_five_times_it_ends_as_if_undisturbed(
    make_home: Callable[[str], Any], digits: tuple[Any, list[int]]
) -> None:
    undisturbed, killed = make_home("undisturbed"), make_home("killed")
    for home in (undisturbed, killed):
        _drop_three_windows(home, digits)
    started = time.monotonic()
    undisturbed.growlearn("run", "digits.yaml")
    whole_s = time.monotonic() - started

    moments = random.Random(7)
    for _ in range(KILLS):
        process = killed.start("run", "digits.yaml")
        # Early enough that each of them is cut short, though every run goes on where the last one stood.
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=moments.uniform(0.1, 0.4) * whole_s)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    killed.growlearn("run", "digits.yaml")

    assert _outcome(killed) == _outcome(undisturbed)
    assert _registry(killed) == _registry(undisturbed)
    windows = killed.json("windows", "digits")["windows"]
    assert [w["state"] for w in windows] == ["promoted", "promoted", "settled"]


def _drop_three_windows(home: Any, digits: tuple[Any, list[int]]) -> None:
    images, labels = digits
    home.drop("1.parquet", images[:500], labels[:500])
    home.drop("2.parquet", 255 - images[500:1000], labels[500:1000])
    home.drop("3.parquet", images[1000:1400], labels[1000:1400])


def _outcome(home: Any) -> dict[str, Any]:
    """All that the record says, but for the times."""
    said: dict[str, Any] = {
        name: home.json(name, "digits") for name in ("matrix", "lineage", "versions", "windows")
    }
    for rows in (said["lineage"]["branches"], said["versions"]["versions"], said["windows"]["windows"]):
        for row in rows:
            for key in ("created_at", "source"):
                row.pop(key, None)
    return said


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
