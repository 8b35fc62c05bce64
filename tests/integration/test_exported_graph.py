"""Exported files alone in the world: read with their manifest, by torch or ONNX Runtime without growlearn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from growlearn.adapters.graphs.export import export_graph
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.encoder_config import EncoderConfig
from growlearn.domain.export_format import ExportFormat
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Schema
from growlearn.ingest.rows import Rows, object_column
from growlearn.network.model.network import load_network
from growlearn.serving.predictor import Answers, Predictor
from tests.noisy_models import COLUMNS, EVERYTHING, MODEL, draw, grow
from tests.unit.tiny_encoders import image_encoder

TASKS = {"upright": (0, 1, 7), "turned": (1, 2)}
ASKED = draw(EVERYTHING, 40, 9, ("red", "green", "blue", "never seen"))
TOLERANCES = {ExportFormat.TORCH: 1e-5, ExportFormat.ONNX: 1e-4}

ALONE = """
import importlib.abc, json, pathlib, sys
BLOCKED = {"growlearn", "avalanche", "mlflow", "onnxscript"}
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)
sys.meta_path.insert(0, Blocker())
import numpy as np

def to_array(tensor, rows):
    columns = [[row[name] for row in rows] for name in tensor["columns"]]
    if "codes" in tensor:
        codes = [tensor["codes"][name] for name in tensor["columns"]]
        pairs = zip(codes, columns)
        columns = [[1 if v is None else known.get(v, 0) for v in column] for known, column in pairs]
    if tensor["type"] == "datetime":
        texts = [["NaT" if v is None else v for v in column] for column in columns]
        columns = [np.array(column, "datetime64[us]").view("int64") for column in texts]
    if tensor["type"] == "number":
        columns = [[float("nan") if v is None else v for v in column] for column in columns]
    if tensor["type"] == "tokens":
        length = tensor["shape"][1]
        columns = [[ids + [-1] * (length - len(ids)) for ids in column] for column in columns]
    shape = (len(rows), *tensor["shape"][1:])
    values = np.array(columns, tensor["dtype"])
    return (values[0] if len(columns) == 1 else values.T).reshape(shape)

folder, rows = pathlib.Path(sys.argv[1]), json.load(open(sys.argv[2]))
manifest = json.loads((folder / "manifest.json").read_text())
(name,) = manifest["files"]
answers = []
if name.endswith(".onnx"):
    import onnxruntime
    session = onnxruntime.InferenceSession(folder / name)
    ask = lambda inputs: dict(zip((o.name for o in session.get_outputs()), session.run(None, inputs)))
    BLOCKED.add("torch")
else:
    import torch
    module = torch.export.load(folder / name).module()
    def ask(inputs):
        with torch.no_grad():
            return module({name: torch.from_numpy(array) for name, array in inputs.items()})
for part in (rows[:1], rows[1:3], rows[3:]):
    outputs = ask({tensor["name"]: to_array(tensor, part) for tensor in manifest["inputs"]})
    assert list(outputs) == [output["name"] for output in manifest["outputs"]]
    for row in range(len(part)):
        task = manifest["tasks"][int(outputs["task"][row]) if "task" in outputs else 0]["name"]
        label = manifest["labels"][int(outputs["prediction"][row])]
        answers.append([label, float(outputs["probability"][row]), task])
loaded = {name.split(".")[0] for name in sys.modules}
assert not loaded & BLOCKED, loaded & BLOCKED
print(json.dumps(answers))
"""


def raw_rows(rows: Rows) -> Iterator[dict[str, Any]]:
    """What a file would hold: None for a missing value, tokens without padding, times as text."""
    for index in range(len(rows)):
        row = {name: column[index] for name, column in rows.inputs.items()}
        for name, value in row.items():
            if name == "words":
                row[name] = [int(token) for token in value if token >= 0]
            elif isinstance(value, np.ndarray):
                row[name] = value.tolist()
            elif isinstance(value, np.datetime64):
                row[name] = None if np.isnat(value) else str(value)
            elif isinstance(value, float):
                row[name] = None if np.isnan(value) else float(value)
        yield row


def ask_alone(folder: Path, rows: Rows, scratch: Path) -> list[Any]:
    questions = scratch / "rows.json"
    questions.write_text(json.dumps(list(raw_rows(rows))))
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-W", "error::UserWarning", "-c", ALONE, str(folder), str(questions)]
    done = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def assert_equal_answers(alone: list[Any], expected: Answers, tolerance: float) -> None:
    labels, probabilities, tasks = zip(*alone, strict=True)
    assert list(labels) == expected.prediction.tolist()
    assert list(tasks) == expected.task.tolist()
    np.testing.assert_allclose(probabilities, expected.probability, atol=tolerance)
    assert len(set(labels)) > 1


@pytest.mark.parametrize("export_format", TOLERANCES, ids=str)
def test_alone_it_answers_as_the_version(export_format: ExportFormat, tmp_path: Path) -> None:
    artifacts = MemoryArtifacts()
    manifest = grow(EVERYTHING, TASKS, artifacts, own_stems=export_format is ExportFormat.ONNX)
    folder = tmp_path / "model"
    folder.mkdir()
    verification = export_graph(manifest, artifacts, folder, export_format, None, [draw(EVERYTHING, 90, 3)])
    assert verification.rows == 64 + 64
    assert verification.max_difference <= verification.tolerance == TOLERANCES[export_format]
    expected = Predictor(manifest, artifacts.get).answer(ASKED)
    assert set(expected.task) == set(TASKS)
    assert_equal_answers(ask_alone(folder, ASKED, tmp_path), expected, TOLERANCES[export_format])
    check_folder(folder, manifest)


def check_folder(folder: Path, manifest: Manifest) -> None:
    """Hashes are true, and nothing tells of this machine or holds what has to be unpickled."""
    description = json.loads((folder / "manifest.json").read_text())
    ((name, digest),) = description["files"].items()
    content = (folder / name).read_bytes()
    assert sha256(content).hexdigest() == digest
    assert description["branches"] == {branch.id: branch.sha256 for branch in manifest.branches}
    assert description["tasks"][1]["temperature"] == 1.7
    for words in (str(Path.cwd()), str(Path(sys.prefix).resolve())):
        assert words.encode() not in content
    if name.endswith(".onnx"):
        model = onnx.load(folder / name)
        onnx.checker.check_model(model)
        (opset,) = [entry.version for entry in model.opset_import if entry.domain == ""]
        assert opset == description["runtime"]["opset"]
        assert {tensor.type.tensor_type.shape.dim[0].dim_param for tensor in model.graph.input} == {"batch"}
        return
    with zipfile.ZipFile(folder / name) as archive:
        configs = [json.loads(archive.read(part)) for part in archive.namelist() if "_config.json" in part]
        assert not [1 for config in configs for entry in config["config"].values() if entry["use_pickle"]]
        assert [archive.read(part) for part in archive.namelist() if "sample_inputs" in part] == [b""]


def test_an_encoder_of_images_travels_in_the_graph(tmp_path: Path) -> None:
    artifacts = MemoryArtifacts()
    encoder = EncoderConfig(source="file", weights="x", sha256=artifacts.put(image_encoder()), reads="image")
    schema = Schema(inputs={"photo": COLUMNS["photo"]})
    model = replace(MODEL, encoder=encoder)
    load_network(Manifest(stream="s", schema=schema, model=model, branches=(), tasks=()), artifacts.get)
    manifest = grow(schema, {"a": ("x", "y"), "b": ("y", "z")}, artifacts, model)
    folder = tmp_path / "model"
    folder.mkdir()
    export_graph(manifest, artifacts, folder, ExportFormat.ONNX, "b")  # from the program that torch loads
    rows = replace(draw(schema, 40, 9), tasks=object_column(["b"] * 40))
    expected = Predictor(manifest, artifacts.get).answer(rows)
    assert_equal_answers(ask_alone(folder, rows, tmp_path), expected, 1e-2)
