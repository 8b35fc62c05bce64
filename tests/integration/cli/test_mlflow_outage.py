"""A real `mlflow server` that is down, comes up empty, and goes down and comes up again."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.conftest import find_free_port


def contents(url: str) -> dict[str, Any]:
    """Runs by window, registered versions in order, and the champion."""
    client = MlflowClient(url, url)
    experiment = client.get_experiment_by_name("growlearn/blobs")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    versions = client.search_model_versions("name = 'blobs'")
    return {
        "runs": sorted((run.info.run_name, run.info.status) for run in runs),
        "versions": sorted((int(each.version), each.tags["growlearn.version"]) for each in versions),
        "champion": client.get_model_version_by_alias("blobs", "champion").tags["growlearn.version"],
    }


@pytest.mark.timeout(600)
def test_a_cycle_ends_without_mlflow_and_a_server_becomes_complete_in_order_and_once(
    copied: Any, serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    port = find_free_port()
    url = f"http://127.0.0.1:{port}"
    place = replace(copied, environment=copied.environment | {"GROWLEARN_MLFLOW_TRACKING_URI": url})
    stores = ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    stores += ["--artifacts-destination", str(tmp_path / "server-artifacts")]

    def start_server() -> AbstractContextManager[str]:
        server: AbstractContextManager[str] = serve(
            ["server", "--workers", "1", *stores], "/health", tmp_path, port
        )
        return server

    place.drop("6.parquet", turned=False, seed=6)
    done = place.growlearn("run", "blobs")
    assert (done.code, "wait for MLflow" in done.err) == (0, True), done.err
    windows = {
        row["id"]: row["state"] for row in place.growlearn("windows", "blobs", "--json").json["windows"]
    }
    assert windows["w6"] == "skipped"
    assert place.growlearn("mlflow", "rebuild").code == 1

    with start_server():
        rebuilt = place.growlearn("mlflow", "rebuild")
        assert rebuilt.code == 0, rebuilt.err
        complete = contents(url)
        ended = [name for name, state in windows.items() if state != "quarantined"]
        assert complete == {
            "runs": [(name, "FINISHED") for name in sorted(ended)],
            "versions": [(1, "1"), (2, "2")],
            "champion": "2",
        }
        assert place.growlearn("mlflow", "rebuild", "blobs").code == 0
        assert contents(url) == complete

    place.drop("7.parquet", turned=False, seed=7)
    assert place.growlearn("run", "blobs").code == 0
    with start_server():
        assert place.growlearn("run", "blobs").code == 0
        after = contents(url)
        assert after["versions"] == complete["versions"]
        assert after["runs"] == sorted([*complete["runs"], ("w7", "FINISHED")])
