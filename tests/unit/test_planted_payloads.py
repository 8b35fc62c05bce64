"""A payload that runs when it is unpickled, planted wherever growlearn reads bytes: it never runs."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from growlearn.adapters.encoders.weights_files import read_weights
from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.app.jobfile import read_job
from growlearn.domain.errors import CorruptArtifact, GrowLearnError, InvalidFile
from growlearn.evaluation.predictions import load_predictions
from growlearn.growth.checkpoint import load_checkpoint
from growlearn.ingest.formats import load_raw_table
from growlearn.ingest.rows import from_parquet
from growlearn.network.encoders.encoder import read_description, read_encoder
from growlearn.network.model.weights import load_weights
from growlearn.network.router.router import load_router
from growlearn.registry.json_codec import InvalidJson, from_json
from tests.unit.digits import SCHEMA


class Payload:
    """Unpickling it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "it-ran"


def pickled(marker: Path) -> bytes:
    return pickle.dumps(Payload(marker), protocol=2)  # which torch reads without a warning


def torch_saved(marker: Path) -> bytes:
    sink = io.BytesIO()
    torch.save({"state_dict": Payload(marker)}, sink)
    return sink.getvalue()


def numpy_saved(marker: Path) -> bytes:
    sink = io.BytesIO()
    np.save(sink, np.array([Payload(marker)], dtype=object), allow_pickle=True)
    return sink.getvalue()


def read_source(suffix: str, content: bytes) -> object:
    return load_raw_table({f"data{suffix}": content}, SCHEMA)


PAYLOADS = {"pickle": pickled, "torch": torch_saved, "numpy": numpy_saved}
READERS: dict[str, Callable[[bytes], Any]] = {
    "weights": load_weights,
    "predictions": load_predictions,
    "rows": lambda content: from_parquet(content, SCHEMA),
    "encoder": read_encoder,
    "description of an encoder": read_description,
    "JSON of a row": lambda content: from_json(content, dict[str, int]),
    **{
        f"source file {suffix}": partial(read_source, suffix)
        for suffix in (".parquet", ".csv", ".arrow", ".feather", ".png", ".npy", ".pkl", ".pt")
    },
}


@pytest.mark.parametrize("make", PAYLOADS.values(), ids=PAYLOADS)
def test_the_payload_itself_works(make: Callable[[Path], bytes], marker: Path) -> None:
    content = make(marker)
    if make is torch_saved:
        torch.load(io.BytesIO(content), weights_only=False)
    elif make is numpy_saved:
        np.load(io.BytesIO(content), allow_pickle=True)
    else:
        pickle.loads(content)
    assert marker.exists()


@pytest.mark.parametrize("make", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize("reader", READERS)
def test_what_reads_stored_or_new_bytes_refuses_it(
    reader: str, make: Callable[[Path], bytes], marker: Path
) -> None:
    refusals = (GrowLearnError, InvalidFile, InvalidJson, ValueError, KeyError)
    with pytest.raises(refusals):
        READERS[reader](make(marker))
    assert not marker.exists()


@pytest.mark.parametrize("make", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".safetensors"])
def test_weights_of_an_encoder_are_refused(
    suffix: str, make: Callable[[Path], bytes], marker: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(make(marker))
    with pytest.raises(GrowLearnError, match="no file of weights alone"):
        read_weights(path)
    assert not marker.exists()


@pytest.mark.parametrize("make", PAYLOADS.values(), ids=PAYLOADS)
def test_a_checkpoint_is_no_checkpoint(make: Callable[[Path], bytes], marker: Path, tmp_path: Path) -> None:
    """Training begins again, which gives the same weights."""
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(make(marker))
    module = nn.Linear(2, 2)
    assert load_checkpoint(path, [module], torch.optim.AdamW(module.parameters())) is None
    assert not marker.exists()


def test_a_model_whose_rows_lead_to_payloads_is_not_loaded(builder: Any, marker: Path) -> None:
    """Every part in turn, under the hash of the payload: as somebody who may write rows and files could."""
    from growlearn.network.model.network import load_network  # noqa: PLC0415

    builder.keep(builder.plan(builder.only(0, 1)))
    manifest, artifacts = builder.manifest, MemoryArtifacts()
    planted = artifacts.put(pickled(marker))
    parts = set(manifest.inference_artifacts)
    stem = load_network(manifest, builder.artifacts.get).root_stem
    for part in sorted(parts):

        def read(sha256: str, part: str = part) -> bytes:
            return artifacts.get(planted) if sha256 == part else bytes(builder.artifacts.get(sha256))

        def load(read: Callable[[str], bytes] = read) -> None:
            load_network(manifest, read)
            load_router(manifest, stem, read)

        with pytest.raises(CorruptArtifact, match="not safetensors"):
            load()
    assert len(parts) >= 4
    assert not marker.exists()


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:pathlib.Path.touch [{marker}]",
        "!!python/object/new:pathlib.PosixPath [{marker}]",
        "!!python/name:os.system",
        "!!python/module:os",
        "!include {marker}",
    ],
)
def test_tags_of_a_job_file_make_no_object(tag: str, marker: Path, tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(f"name: {tag.format(marker=json.dumps(str(marker)))}\n")
    with pytest.raises(GrowLearnError, match=str(file)):
        read_job(file, tmp_path)
    assert not marker.exists()
