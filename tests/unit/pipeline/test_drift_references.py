"""What detectors are given of a task's reference rows and of a window."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.lineage import BranchWeights, Manifest, Task, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column, to_parquet
from growlearn.network.model import weights
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.head import Head
from growlearn.network.model.network import INFERENCE_BATCH_SIZE, GrowingNetwork, load_network
from growlearn.network.model_cache import ModelCache
from growlearn.network.stems.stem import make_stem
from growlearn.pipeline.drift_references import build_comparison_data

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER), "c": InputColumn(type=InputType.CATEGORY)})
MODEL = ModelConfig(embed_dim=8, num_heads=2)
CLASSES: tuple[Label, ...] = (3, 7)


def rows_of(seed: int, labels: list[Label | None]) -> Rows:
    rng = np.random.default_rng(seed)
    inputs = {
        "x": rng.normal(size=len(labels)),
        "c": object_column(rng.choice(["a", "b"], len(labels)).tolist()),
    }
    return Rows(inputs, object_column(labels), None, hash_rows(inputs, SCHEMA))


@pytest.fixture
def artifacts() -> MemoryArtifacts:
    return MemoryArtifacts()


@pytest.fixture
def manifest(artifacts: MemoryArtifacts) -> Manifest:
    """One untrained task of one branch."""
    torch.manual_seed(0)
    made = GrowingNetwork(MODEL)
    made.add_branch("b1", ResidualBranch(MODEL), "b1", make_stem(SCHEMA, MODEL, rows_of(0, [3, 7, 3])))
    branch = BranchWeights(id="b1", parent=None, stem="b1", sha256=artifacts.put(made.dump_branch("b1")))
    head = artifacts.put(weights.dump_weights(Head(2, MODEL.embed_dim, len(CLASSES)).state_dict()))
    task = TaskHead(name="a", classes=CLASSES, lineage=("b1",), sha256=head)
    return Manifest(stream="s", schema=SCHEMA, model=MODEL, branches=(branch,), tasks=(task,))


def task_of(artifacts: MemoryArtifacts, reference: Rows) -> Task:
    return Task(
        stream="s", name="a", classes=CLASSES, lineage=("b1",), head="h", holdout="o",
        reference_rows=artifacts.put(to_parquet(reference, SCHEMA)), window="w1", version=1,
    )  # fmt: skip


def test_a_sample_holds_the_rows_as_they_came_were_read_and_answered(
    artifacts: MemoryArtifacts, manifest: Manifest
) -> None:
    network = load_network(manifest, artifacts.get)
    known, window = rows_of(1, [3, 7] * INFERENCE_BATCH_SIZE), rows_of(2, [7, None, 5, 3, 7, 3])
    (reference,) = build_comparison_data(
        manifest, ModelCache(artifacts), [task_of(artifacts, known)], window, window_number=4
    )
    for sample, rows in ((reference.reference_sample, known), (reference.window_sample, window)):
        assert sample.outputs.tobytes() == network.probabilities(rows, "a").tobytes()
        pooled = network.pooled_features(rows, ("b1",))
        assert sample.features.shape == (len(rows), 2 * MODEL.embed_dim)
        assert sample.features.tobytes() == pooled.tobytes()
        assert sample.inputs["x"].tolist() == rows.inputs["x"].tolist()
        assert sample.classes == CLASSES
        assert sample.kinds == {"x": InputType.NUMBER, "c": InputType.CATEGORY}
    assert reference.window_sample.targets.tolist() == [1, -1, -1, 0, 1, 0]
    assert (reference.reference_sample.window_number, reference.window_sample.window_number) == (None, 4)


def test_each_row_passes_through_the_network_once(
    artifacts: MemoryArtifacts, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, passed = ModelCache(artifacts), 0
    network = models.network(manifest)
    plain = network.features

    def counted(rows: Rows, lineage: tuple[str, ...]) -> torch.Tensor:
        nonlocal passed
        passed += len(rows)
        return plain(rows, lineage)

    monkeypatch.setattr(network, "features", counted)
    build_comparison_data(manifest, models, [task_of(artifacts, rows_of(1, [3] * 10))], rows_of(2, [7] * 6))
    assert passed == 16


def test_a_window_without_rows_has_empty_samples(artifacts: MemoryArtifacts, manifest: Manifest) -> None:
    network = load_network(manifest, artifacts.get)
    features, outputs = network.features_and_probabilities(rows_of(0, []), "a")
    assert (features.shape, outputs.shape) == ((0, 2 * MODEL.embed_dim), (0, 2))
