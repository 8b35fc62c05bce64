"""Real images, named tasks, hold-out rows of their own: the main job, small."""

from __future__ import annotations

import base64
import gzip
import io
import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from growlearn.adapters.mlflow.silence import silence_warnings

DATA = Path("/usr/share/datasets/fashion-mnist")
JOB = """
name: fashion
source: {type: folder, url: incoming, pattern: "*.parquet", min_file_age_s: 0}
schema:
  inputs:
    image: {type: image, shape: [1, 28, 28]}
  label: label
  task: task
holdout: {url: test}
model: {embed_dim: 32}
growth: {epochs: 6, batch_size: 32}
baseline_comparison: {baselines: []}
"""
ROWS = 600  # of each task, for training
TEST_ROWS = 200
TASKS = {"0-1": (0, 1), "8-9": (8, 9)}


def load(part: str) -> tuple[Any, Any]:
    """The first images and labels of Debian's idx files."""
    images = gzip.decompress((DATA / f"{part}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((DATA / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    return np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(
        labels, np.uint8, offset=8
    )


def table(part: str, task: str, rows: int) -> Any:
    images, labels = load(part)
    which = np.flatnonzero(np.isin(labels, TASKS[task]))[:rows]
    cells = [{"bytes": png(images[i]), "path": None} for i in which]  # as Hugging Face writes them
    return pa.table({"image": cells, "label": labels[which].astype(np.int64), "task": [task] * len(which)})


def png(image: Any) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(image).save(sink, "PNG")
    return sink.getvalue()


@dataclass(frozen=True)
class Fashion:
    """A grown home, its lineage after each growth, and 80 mixed test rows as a frame."""

    home: Any
    lineages: list[dict[str, str]]
    frame: pd.DataFrame

    @property
    def mlflow_uri(self) -> str:
        return f"sqlite:///{self.home.folder / 'home' / 'mlflow.db'}"


@pytest.fixture(scope="module")
def fashion(make_home: Callable[[str], Any], need: Callable[[str, bool], None]) -> Fashion:
    need("Debian's package dataset-fashion-mnist (apt-get install dataset-fashion-mnist)", DATA.is_dir())
    home = make_home("fashion")
    (home.folder / "job.yaml").write_text(JOB)
    (home.folder / "test").mkdir()
    tests = [table("t10k", task, TEST_ROWS) for task in TASKS]
    pq.write_table(pa.concat_tables(tests), home.folder / "test" / "test.parquet")
    lineages = []
    for task in TASKS:
        pq.write_table(table("train", task, ROWS), home.incoming / f"{task}.parquet")
        home.growlearn("run", "job.yaml")
        branches = home.json("lineage", "fashion")["branches"]
        lineages.append({branch["id"]: branch["sha256"] for branch in branches})
    mixed = pa.concat_tables([test.slice(0, 40) for test in tests]).to_pandas().sample(frac=1, random_state=0)
    frame = pd.DataFrame({"image": [cell["bytes"] for cell in mixed["image"]], "task": list(mixed["task"])})
    return Fashion(home, lineages, frame)


def test_both_tasks_are_learned_and_nothing_is_forgotten(fashion: Fashion) -> None:
    matrix = fashion.home.json("matrix", "fashion")
    assert matrix["tasks"] == list(TASKS)
    assert matrix["average_accuracy"] > 0.93, matrix
    assert matrix["forgetting"] == 0
    assert matrix["accuracy"][0][0] == matrix["accuracy"][1][0]


def test_the_first_branch_is_stored_under_the_same_hash_after_the_second(fashion: Fashion) -> None:
    assert list(fashion.lineages[1]) == ["b1", "b2"]
    assert fashion.lineages[1]["b1"] == fashion.lineages[0]["b1"]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # MLflow's own queries
def test_the_registered_champion_answers_as_the_library_does_by_every_way(
    fashion: Fashion, tmp_path: Path, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [fashion.frame, fashion.frame[["image"]]]
    expected = [predict(fashion.home, frame) for frame in frames]
    assert [len(rows) for rows in expected] == [80, 80]

    monkeypatch.setenv("MLFLOW_TRACKING_URI", fashion.mlflow_uri)
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns

        model = mlflow.pyfunc.load_model("models:/fashion@champion")
    assert [model.predict(frame).to_dict(orient="records") for frame in frames] == expected

    command = ["models", "serve", "--model-uri", "models:/fashion@champion", "--env-manager", "local"]
    with serve(command, "/ping", tmp_path) as url:
        assert [ask(f"{url}/invocations", frame) for frame in frames] == expected


def predict(home: Any, frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """The answers of `growlearn predict`."""
    frame.to_parquet(home.folder / "rows.parquet")
    home.growlearn("predict", "fashion", "rows.parquet", "--out", "answers.parquet")
    answers = pd.read_parquet(home.folder / "answers.parquet")
    return answers[["prediction", "probability", "task"]].to_dict(orient="records")


def ask(url: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    cells = frame.map(lambda cell: base64.b64encode(cell).decode() if isinstance(cell, bytes) else cell)
    body = json.dumps({"dataframe_split": {"columns": list(frame), "data": cells.to_numpy().tolist()}})
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        predictions: list[dict[str, Any]] = json.load(response)["predictions"]
    return predictions
