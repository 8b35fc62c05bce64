"""A real server whose answer is lost after it has carried a request out."""

from __future__ import annotations

from uuid import uuid4

import pytest
from mlflow import MlflowClient

from benchmarks.faults.relay import run_relay
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.mlflow.errors import TrackerUnavailable
from growlearn.adapters.mlflow.tracker import MlflowTracker
from tests.contract.tracker.reports import make_promoted_report, make_stream

CREATES = ("/runs/create", "/logged-models", "/model-versions/create")


def test_what_was_created_before_its_answer_was_lost_is_found_and_not_created_again(server_uri: str) -> None:
    artifacts, stream = MemoryArtifacts(), make_stream(f"s-{uuid4().hex[:12]}")
    report, to_lose = make_promoted_report(stream, artifacts), list(CREATES)

    def loses(method: str, path: str) -> bool:
        if not to_lose or method != "POST" or not path.endswith(to_lose[0]):
            return False
        del to_lose[0]
        return True

    with run_relay(server_uri) as relay:
        relay.loses = loses
        tracker = MlflowTracker(relay.url, artifacts)
        for _ in CREATES:
            with pytest.raises(TrackerUnavailable):
                tracker.log_cycle(report)
        ids = tracker.log_cycle(report)
        assert tracker.log_cycle(report) == ids
    assert (to_lose, ids.model_version) == ([], "1")
    client = MlflowClient(server_uri, server_uri)
    experiment = client.get_experiment_by_name(f"growlearn/{stream.name}")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_id, run.info.status) == (ids.run_id, "FINISHED")
    assert len(client.search_logged_models([experiment.experiment_id])) == 1
    assert len(client.search_model_versions(f"name = '{stream.job.registered_model}'")) == 1
