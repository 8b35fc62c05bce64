"""What detectors are given of a task's reference rows and of a window."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
import torch

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.job import ModelSpec
from growlearn.domain.lineage import BranchWeights, Manifest, Task, TaskHead
from growlearn.domain.schema import Input, InputType, Label, Schema
from growlearn.growth.model import weights
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.head import Head
from growlearn.growth.model.network import BATCH_ROWS, GrowingNetwork, load_network
from growlearn.growth.stems.stem import new_stem
from growlearn.ingest.rows import Rows, object_column, row_keys, to_parquet
from growlearn.serving.references import references_of

SCHEMA = Schema(inputs={"x": Input(type=InputType.NUMBER), "c": Input(type=InputType.CATEGORY)})
MODEL = ModelSpec(width=8, heads=2)
CLASSES: tuple[Label, ...] = (3, 7)


def rows_of(seed: int, labels: list[Label | None]) -> Rows:
    rng = np.random.default_rng(seed)
    inputs = {
        "x": rng.normal(size=len(labels)),
        "c": object_column(rng.choice(["a", "b"], len(labels)).tolist()),
    }
    return Rows(inputs, object_column(labels), None, row_keys(inputs, SCHEMA))


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    return MemoryArtifacts()


@pytest.fixture
def manifest(artifacts: MemoryArtifacts) -> Manifest:
    """One untrained task of one branch."""
    torch.manual_seed(0)
    made = GrowingNetwork(MODEL)
    made.add_branch("b1", Branch(MODEL), "b1", new_stem(SCHEMA, MODEL, rows_of(0, [3, 7, 3])))
    branch = BranchWeights(id="b1", parent=None, stem="b1", sha256=artifacts.put(made.branch_weights("b1")))
    head = artifacts.put(weights.dump(Head(1, MODEL.width, len(CLASSES)).state_dict()))
    task = TaskHead(name="a", classes=CLASSES, lineage=("b1",), sha256=head)
    return Manifest(stream="s", schema=SCHEMA, model=MODEL, branches=(branch,), tasks=(task,))


def task_of(artifacts: MemoryArtifacts, reference: Rows) -> Task:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Task(
        stream="s", name="a", classes=CLASSES, lineage=("b1",), head="h", holdout="o",
        reference=artifacts.put(to_parquet(reference, SCHEMA)), window="w1", version=1, opened_at=at,
    )  # fmt: skip


def test_a_sample_holds_the_rows_as_they_came_were_read_and_answered(
    artifacts: MemoryArtifacts, manifest: Manifest
) -> None:
    network = load_network(manifest, artifacts.get)
    known, window = rows_of(1, [3, 7] * BATCH_ROWS), rows_of(2, [7, None, 5, 3, 7, 3])
    (reference,) = references_of(manifest, network, [task_of(artifacts, known)], window, artifacts, number=4)
    for sample, rows in ((reference.reference, known), (reference.window, window)):
        assert sample.outputs.tobytes() == network.outputs(rows, "a").tobytes()
        pooled = network.pooled(rows, ("b1",))
        assert sample.features.shape == (len(rows), 2 * MODEL.width)
        assert sample.features.tobytes() == pooled.tobytes()
        assert sample.inputs["x"].tolist() == rows.inputs["x"].tolist()
        assert sample.classes == CLASSES
        assert sample.kinds == {"x": InputType.NUMBER, "c": InputType.CATEGORY}
    assert reference.window.targets.tolist() == [1, -1, -1, 0, 1, 0]
    assert (reference.reference.number, reference.window.number) == (None, 4)


def test_each_row_passes_through_the_network_once(
    artifacts: MemoryArtifacts, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, passed = load_network(manifest, artifacts.get), 0
    plain = network.features

    def counted(rows: Rows, lineage: tuple[str, ...]) -> torch.Tensor:
        nonlocal passed
        passed += len(rows)
        return plain(rows, lineage)

    monkeypatch.setattr(network, "features", counted)
    references_of(
        manifest, network, [task_of(artifacts, rows_of(1, [3] * 10))], rows_of(2, [7] * 6), artifacts
    )
    assert passed == 16


def test_a_window_without_rows_has_empty_samples(artifacts: MemoryArtifacts, manifest: Manifest) -> None:
    network = load_network(manifest, artifacts.get)
    features, outputs = network.features_and_outputs(rows_of(0, []), "a")
    assert (features.shape, outputs.shape) == ((0, 2 * MODEL.width), (0, 2))
