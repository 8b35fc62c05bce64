"""MLflow stores in folders whose names MLflow, left to itself, would read as another's."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.mlflow.client import open_client
from growlearn.adapters.mlflow.tracker import MlflowTracker
from tests.contract.tracker.reports import make_promoted_report, make_stream


@pytest.mark.parametrize(
    "names", [("home%41", "homeA"), ("a%20b ?x=1#y::z", "a b ?x=1#y::z")], ids=["escape", "everything"]
)
def test_two_stores_that_differ_by_a_spelling_share_nothing(names: tuple[str, str], tmp_path: Path) -> None:
    for index, name in enumerate(names):
        artifacts = MemoryArtifacts()
        uri = f"sqlite:///{tmp_path}/{name}/mlflow.db"
        report = make_promoted_report(make_stream(f"s{index}"), artifacts)
        ids = MlflowTracker(uri, artifacts).log_cycle(report)

        client = open_client(uri)
        runs = [each.name for each in client.search_experiments()]
        assert runs == [f"growlearn/s{index}", "Default"]
        registered = client.get_model_version(report.stream.job.registered_model, str(ids.model_version))
        assert list((tmp_path / name / "mlartifacts").rglob("MLmodel"))
        local = mlflow.artifacts.download_artifacts(
            artifact_uri=registered.source,
            dst_path=str(tmp_path / name / "copy"),
            tracking_uri=client.tracking_uri,
        )
        assert (Path(local) / "MLmodel").is_file()
    assert {path.name for path in tmp_path.iterdir()} == set(names)
