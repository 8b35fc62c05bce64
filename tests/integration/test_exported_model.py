"""An exported model alone in the world: without growlearn, without a database, over HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import pickletools
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.mlflow.export import export_model
from growlearn.adapters.mlflow.silence import silence_warnings
from growlearn.serving.predictor import Predictor
from tests.integration.exported_models import (
    GAPS,
    IMAGES,
    LISTS,
    TABLE,
    Exported,
    export,
    grow,
    png,
    rows_of,
)


@pytest.fixture(scope="module")
def artifacts() -> MemoryArtifacts:
    return MemoryArtifacts()


@pytest.fixture(scope="module")
def images(artifacts: MemoryArtifacts, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Two tasks of images, labels that are numbers."""
    manifest = grow(IMAGES, {"upright": (0, 1, 7), "turned": (2, 3)}, artifacts)
    frame = pd.DataFrame({"image": [png(rows_of(IMAGES, 9, 5).inputs["image"][i, 0]) for i in range(9)]})
    return export(manifest, frame, artifacts, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def table(artifacts: MemoryArtifacts, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Two tasks of numbers and categories, labels that are text."""
    manifest = grow(TABLE, {"upright": ("yes", "no"), "turned": ("yes", "no")}, artifacts)
    rows = rows_of(TABLE, 9, 5)
    frame = pd.DataFrame({"size": rows.inputs["size"], "kind": [*rows.inputs["kind"][:-1], "never seen"]})
    return export(manifest, frame, artifacts, tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="module")
def lists(artifacts: MemoryArtifacts, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Two tasks of token ids and series, labels that are numbers."""
    manifest = grow(LISTS, {"upright": (0, 1, 7), "turned": (2, 3)}, artifacts)
    inputs = rows_of(LISTS, 9, 5).inputs
    words = [[int(token) for token in row if token >= 0] for row in inputs["words"]]
    frame = pd.DataFrame({"words": words, "trace": inputs["trace"].tolist()})
    return export(manifest, frame, artifacts, tmp_path_factory.mktemp("lists"))


@pytest.fixture(scope="module")
def gaps(artifacts: MemoryArtifacts, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Two tasks of tables without a missing value, asked for rows with many."""
    manifest = grow(GAPS, {"upright": ("yes", "no"), "turned": ("yes", "no")}, artifacts)
    frame = pd.DataFrame(
        {
            "size": [1.5, np.nan, np.nan, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
            "kind": ["red", None, "blue", None, "red", "red", "red", "red", "red"],
            "paid": [True, None, False, None, True, True, True, True, True],
            "at": [
                "2013-01-01T05:00:00Z",
                None,
                "2013-01-01T06:00:00+01:00",
                "2013-01-01 05:00",
                *[None] * 5,
            ],
            "note": ["blue, no. 0", None, "", "猫 and a word never seen", *["a red one, no. 3"] * 5],
        }
    )
    return export(manifest, frame, artifacts, tmp_path_factory.mktemp("gaps"))


@pytest.fixture(params=["images", "table", "lists", "gaps"])
def exported(request: pytest.FixtureRequest) -> Exported:
    exported: Exported = request.getfixturevalue(request.param)
    return exported


ALONE = """
import importlib.abc, sys
BLOCKED = {"growlearn", "avalanche", "torchvision", "apscheduler", "typer"}
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)
sys.meta_path.insert(0, Blocker())
import mlflow.pyfunc, pandas as pd
for name, folder in zip(sys.argv[1::2], sys.argv[2::2]):
    model = mlflow.pyfunc.load_model(folder)
    for number in range(2):
        frame = pd.read_parquet(f"{name}-{number}.parquet")
        model.predict(frame).to_pickle(f"{name}-{number}.pickle")
loaded = {name.split(".")[0] for name in sys.modules}
assert not loaded & BLOCKED, loaded & BLOCKED
"""


def test_alone_with_mlflow_and_torch_they_answer_to_the_last_bit(
    images: Exported, table: Exported, lists: Exported, gaps: Exported, tmp_path: Path
) -> None:
    models = {"images": images, "table": table, "lists": lists, "gaps": gaps}
    command = [sys.executable, "-c", ALONE]
    for name, exported in models.items():
        command += [name, str(exported.folder)]
        for number, frame in enumerate(exported.frames):
            frame.to_parquet(tmp_path / f"{name}-{number}.parquet")
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for name, exported in models.items():
        for number, answer in enumerate(exported.answers):
            predictions = pd.read_pickle(tmp_path / f"{name}-{number}.pickle")
            pd.testing.assert_frame_equal(predictions, answer, check_exact=True)


def test_served_over_http_it_answers_to_the_last_bit(images: Exported, tmp_path: Path, serve: Any) -> None:
    command = ["models", "serve", "--model-uri", str(images.folder), "--env-manager", "local"]
    with serve(command, "/ping", tmp_path) as url:
        for frame, answer in zip(images.frames, images.answers, strict=True):
            request = urllib.request.Request(
                f"{url}/invocations", body_of(frame), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=60) as response:
                assert json.load(response)["predictions"] == answer.to_dict(orient="records")
        no_image = body_of(images.frames[0].iloc[:1].assign(**{images.frames[0].columns[0]: [b"GIF"]}))
        request = urllib.request.Request(f"{url}/invocations", no_image, {"Content-Type": "application/json"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        answer = json.loads(refused.value.read())
        refused.value.close()
        assert (refused.value.code, "stack_trace" in answer) == (400, False)
        assert "row 0 cannot be predicted" in answer["message"]


@pytest.mark.parametrize("kind", ["table", "lists", "gaps"])
def test_the_server_of_this_process_answers_to_the_last_bit(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """The requests that `mlflow models serve` takes, without starting it for every kind of input."""
    exported: Exported = request.getfixturevalue(kind)
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns
        from mlflow.pyfunc import scoring_server  # noqa: PLC0415 - warns

        model = mlflow.pyfunc.load_model(str(exported.folder))
    for frame, answer in zip(exported.frames, exported.answers, strict=True):
        response = scoring_server.invocations(  # type: ignore[no-untyped-call]
            body_of(frame), "application/json", model, model.metadata.get_input_schema()
        )
        assert response.status == 200, response.response
        assert json.loads(response.response)["predictions"] == answer.to_dict(orient="records")


def test_a_null_and_a_nan_over_http_are_missing_values(gaps: Exported) -> None:
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns
        from mlflow.pyfunc import scoring_server  # noqa: PLC0415 - warns

        model = mlflow.pyfunc.load_model(str(gaps.folder))
    frame, answer = gaps.frames[0], gaps.answers[0].to_dict(orient="records")
    nulls = frame.astype(object).where(frame.notna(), None)
    records = nulls.to_dict(orient="records")
    bodies = [
        {"dataframe_records": records},
        {"dataframe_split": {"columns": list(frame), "data": nulls.to_numpy().tolist()}},
        {"inputs": {name: nulls[name].tolist() for name in nulls}},
        {"dataframe_records": frame.to_dict(orient="records")},  # NaN, which Python writes and reads in JSON
        {"dataframe_records": [{k: v for k, v in record.items() if v is not None} for record in records]},
    ]
    for body in bodies:
        response = scoring_server.invocations(  # type: ignore[no-untyped-call]
            json.dumps(body), "application/json", model, model.metadata.get_input_schema()
        )
        assert response.status == 200, response.response
        assert json.loads(response.response)["predictions"] == answer
    # A column that is null in every row of the request, as with a single row:
    alone = scoring_server.invocations(  # type: ignore[no-untyped-call]
        json.dumps({"dataframe_records": records[1:2]}), "application/json", model, None
    )
    assert alone.status == 200, alone.response
    (single,) = json.loads(alone.response)["predictions"]
    assert single["probability"] == pytest.approx(answer[1]["probability"], abs=1e-6)


def environment() -> dict[str, str]:
    """Ours, with as many threads as here, and with the programs installed beside this Python."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads()), "PATH": path}


def body_of(frame: pd.DataFrame) -> bytes:
    """Rows as JSON, bytes as base64, in the way MLflow's documentation says."""
    cells = frame.map(lambda cell: base64.b64encode(cell).decode() if isinstance(cell, bytes) else cell)
    return json.dumps(
        {"dataframe_split": {"columns": list(frame), "data": cells.to_numpy().tolist()}}
    ).encode()


def test_the_model_abstains_where_no_answer_is_as_probable_as_asked_for(exported: Exported) -> None:
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns

        model, frame = mlflow.pyfunc.load_model(str(exported.folder)), exported.frames[0]
    probability = exported.answers[0]["probability"]
    least = float(probability.median())
    answers = model.predict(frame, params={"min_probability": least})
    assert answers["prediction"].isna().tolist() == (probability < least).tolist()


def test_the_model_gives_the_probability_of_each_class_where_it_is_asked_for(exported: Exported) -> None:
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns

        model, frame = mlflow.pyfunc.load_model(str(exported.folder)), exported.frames[0]
    answers = model.predict(frame, params={"proba": True})
    assert answers[["prediction", "probability", "task"]].equals(model.predict(frame))
    classes = [column for column in answers if column.startswith("probability_")]
    assert len(classes) > 1
    assert answers[classes].sum(axis=1).to_numpy() == pytest.approx(np.ones(len(answers)), abs=1e-9)
    likeliest = answers[classes].idxmax(axis=1).str.removeprefix("probability_")
    assert likeliest.tolist() == answers["prediction"].astype(str).tolist()


def test_the_example_and_the_signature_fit_the_model(exported: Exported) -> None:
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns

        model = mlflow.pyfunc.load_model(str(exported.folder))
    example = model.input_example
    assert list(example.columns) == [*exported.frames[0].columns, "task"]
    answers = model.predict(example)
    assert (
        list(answers.columns)
        == ["prediction", "probability", "task"]
        == model.metadata.signature.outputs.input_names()
    )
    assert list(answers["task"]) == ["upright", "upright"]
    serving = json.loads((exported.folder / "serving_input_example.json").read_text())
    assert serving["dataframe_split"]["columns"] == list(example.columns)


def test_whole_numbers_do_where_numbers_or_categories_are_wanted(table: Exported) -> None:
    """As a frame or JSON has them; MLflow would refuse integers for doubles and for strings."""
    frame = pd.DataFrame({"size": [3, 5], "kind": [1, 2], "task": ["upright", "turned"]})
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns

        model = mlflow.pyfunc.load_model(str(table.folder))
    pd.testing.assert_frame_equal(model.predict(frame), model.predict(frame.astype({"size": "float64"})))


def test_a_value_gives_the_same_answer_however_it_is_written(
    artifacts: MemoryArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "KINDS", ("true", "7", "2013-01-01"))
    manifest = grow(TABLE, {"1": ("yes", "no"), "2": ("yes", "no")}, artifacts)
    frame = pd.DataFrame(
        {"size": [0.1, 2.0, 0.1], "kind": ["true", "7", "2013-01-01"], "task": ["1", "2", "1"]}
    )
    answer = Predictor(manifest, artifacts.get).predict(frame)
    folder = export_model(manifest, artifacts, tmp_path / "model")
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns
        from mlflow.pyfunc import scoring_server  # noqa: PLC0415 - warns

        model = mlflow.pyfunc.load_model(str(folder))
    for kinds, tasks in (
        (["True", "7.0", "2013-01-01T00:00:00"], [1, 2, 1]),
        ([True, 7, "2013-01-01"], [1.0, 2.0, 1.0]),
        ([np.bool_(True), 7.0, date(2013, 1, 1)], ["1.0", "2", 1]),
    ):
        asked = frame.assign(kind=pd.Series(kinds, dtype=object), task=pd.Series(tasks, dtype=object))
        pd.testing.assert_frame_equal(model.predict(asked), answer, check_exact=True)
        singles = asked.astype({"size": "float32"})
        pd.testing.assert_frame_equal(model.predict(singles), answer, check_exact=True)
        for body in (asked, singles):
            cells = body.astype(object).map(
                lambda cell: cell.item() if isinstance(cell, np.generic) else cell
            )
            cells = cells.map(lambda cell: str(cell) if isinstance(cell, date) else cell)
            response = scoring_server.invocations(  # type: ignore[no-untyped-call]
                body_of(cells), "application/json", model, model.metadata.get_input_schema()
            )
            assert json.loads(response.response)["predictions"] == answer.to_dict(orient="records")


def test_nothing_in_the_folder_is_a_pickle(exported: Exported) -> None:
    files = [
        path for path in exported.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    assert len([path for path in files if path.suffix == ".safetensors"]) == 6
    for path in files:
        assert not zipfile.is_zipfile(path), path
        with pytest.raises(Exception):  # noqa: B017, PT011 - pickletools raises what it likes
            pickletools.dis(path.read_bytes(), io.StringIO())


def test_the_folder_names_neither_this_machine_nor_a_package_of_ours(exported: Exported) -> None:
    local_paths = [str(exported.folder.parent).encode(), str(Path(__file__).parents[2]).encode()]
    for path in exported.folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert not any(local in path.read_bytes() for local in local_paths), path
    wanted = {line.split("==")[0] for line in (exported.folder / "requirements.txt").read_text().split()}
    assert wanted == {"mlflow", "numpy", "pandas", "pillow", "pyarrow", "safetensors", "torch"}
    assert "+" not in (exported.folder / "requirements.txt").read_text()


def test_weights_are_the_stored_bytes_under_their_hash(exported: Exported) -> None:
    for path in (exported.folder / "weights").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a task unknown": (
        {"columns": ["size", "kind", "task"], "data": [[1.0, "red", "inverted"]]},
        "row 0 cannot be predicted: task 'inverted' is not known (known tasks: 'upright', 'turned')",
    ),
    "a number infinite": (
        {"columns": ["size", "kind"], "data": [[1.0, "red"], [1e999, "red"]]},
        "row 1 cannot be predicted: size is infinite",
    ),
    "no rows": ({"columns": ["size", "kind"], "data": []}, "there are no rows"),
    "a column missing": ({"columns": ["kind"], "data": [["red"]]}, "size"),
    "text for a number": ({"columns": ["size", "kind"], "data": [["big", "red"]]}, "size"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request_has_its_reason_in_the_response_and_no_stack_trace(
    table: Exported, case: str
) -> None:
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 - slow
        from mlflow.pyfunc import scoring_server  # noqa: PLC0415 - warns

        model = mlflow.pyfunc.load_model(str(table.folder))
    rows, reason = REFUSED[case]
    with pytest.raises(MlflowException) as refused:  # MLflow's server answers with just this
        scoring_server.invocations(  # type: ignore[no-untyped-call]
            json.dumps({"dataframe_split": rows}),
            "application/json",
            model,
            model.metadata.get_input_schema(),
        )
    assert refused.value.get_http_status_code() == 400  # type: ignore[no-untyped-call]
    answer = json.loads(refused.value.serialize_as_json())  # type: ignore[no-untyped-call]
    assert (answer["error_code"], "stack_trace" in answer) == ("INVALID_PARAMETER_VALUE", False), answer
    assert reason in answer["message"]


def test_a_probability_that_is_none_is_refused_with_its_reason(table: Exported) -> None:
    with silence_warnings():
        import mlflow.pyfunc  # noqa: PLC0415 - warns
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        model = mlflow.pyfunc.load_model(str(table.folder))
    with pytest.raises(MlflowException, match=r"min_probability 3\.0 must lie between 0 and 1") as refused:
        model.predict(table.frames[0], params={"min_probability": 3.0})
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
