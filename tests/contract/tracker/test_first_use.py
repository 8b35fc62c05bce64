"""Two processes meeting at a store that does not exist yet, in a folder that must stay clean."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

from growlearn.adapters.mlflow.client import get_artifact_root, open_client
from growlearn.ports import WindowReport

_LOG_WINDOW = """
import pathlib, pickle, socket, sys
def refused(*_): raise OSError("the network was used")
socket.socket.connect = refused
record = pickle.loads(pathlib.Path(sys.argv[2]).read_bytes())
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.mlflow.tracker import MlflowTracker
MlflowTracker(sys.argv[1], MemoryArtifacts()).log_cycle(record)
assert "torch" not in sys.modules, "a window that made no version needs no torch"
"""


def test_first_use_by_two_processes_gives_one_store_in_silence_and_without_network(
    tmp_path: Path, skipped_report: WindowReport
) -> None:
    uri = f"sqlite:///{tmp_path}/home/mlflow.db"
    work = tmp_path / "work"
    work.mkdir()
    report_file = tmp_path / "report"
    report_file.write_bytes(pickle.dumps(skipped_report))
    command = [sys.executable, "-c", _LOG_WINDOW, uri, str(report_file)]
    processes = [
        subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert outputs == [b"", b""]
    assert [process.returncode for process in processes] == [0, 0]
    client = open_client(uri)
    experiment = client.get_experiment_by_name(f"growlearn/{skipped_report.stream.name}")
    assert experiment is not None
    assert [run.info.run_name for run in client.search_runs([experiment.experiment_id])] == ["w2"]
    assert list(work.iterdir()) == []
    assert experiment.artifact_location.startswith(
        get_artifact_root(tmp_path / "home" / "mlflow.db").as_uri()
    )


_DIE_WHILE_IT_IS_MADE = """
import os, pathlib, sys
import mlflow.store.db.utils as utils
def died(engine): os._exit(9)
utils._upgrade_db = died  # the tables are there, the migrations are not
from growlearn.adapters.mlflow.client import open_client
open_client(sys.argv[1])
"""


def test_a_store_whose_making_was_killed_is_made_anew(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    died = subprocess.run([sys.executable, "-W", "ignore", "-c", _DIE_WHILE_IT_IS_MADE, uri], check=False)
    assert died.returncode == 9
    assert list(tmp_path.glob("mlflow.db*")) != []
    assert open_client(uri).search_experiments() != []
