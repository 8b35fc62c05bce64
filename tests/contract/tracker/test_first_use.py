"""Two processes meeting at a store that does not exist yet, in a folder that must stay clean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from growlearn.adapters.mlflow.client import artifact_root, open_client

_TELL = """
import socket, sys
sys.path.insert(0, sys.argv[1])
def refused(*_): raise OSError("the network was used")
socket.socket.connect = refused
import conftest
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.mlflow.tracker import MlflowTracker
artifacts = MemoryArtifacts()
tracker = MlflowTracker(sys.argv[2], artifacts)
of = conftest.stream("race")
tracker.log_cycle(conftest.settled(of))
tracker.log_cycle(conftest.grown(of, artifacts))
"""


def test_first_use_by_two_processes_gives_one_store_in_silence_and_without_network(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/home/mlflow.db"
    work = tmp_path / "work"
    work.mkdir()
    command = [sys.executable, "-c", _TELL, str(Path(__file__).parent), uri]
    both = [
        subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert said == ["", ""]
    assert [process.returncode for process in both] == [0, 0]
    client = open_client(uri)
    experiment = client.get_experiment_by_name("growlearn/race")
    assert experiment is not None
    assert sorted(run.info.run_name or "" for run in client.search_runs([experiment.experiment_id])) == [
        "w1",
        "w2",
    ]
    assert len(client.search_model_versions("name = 'race-model'")) == 1
    assert list(work.iterdir()) == []
    assert experiment.artifact_location.startswith(artifact_root(tmp_path / "home" / "mlflow.db").as_uri())
