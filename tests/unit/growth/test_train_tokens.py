"""The answer of a stream of token ids starts with the linear term of its stem, and later answers keep it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.growth import ALONE, BranchInit, GrowthPlan, GrowthResult
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.model_selection import CandidateKind
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.growth.candidates import plan_candidates
from growlearn.growth.train import train_branch
from growlearn.ingest.rows import Rows, hash_rows, object_column, to_parquet
from growlearn.network.model.head_sum import HeadSum, list_terms
from growlearn.network.model.network import GrowingNetwork, load_network

SCHEMA = Schema(inputs={"words": InputColumn(type=InputType.TOKENS, vocabulary=50, length=8)})
MODEL = ModelConfig(embed_dim=16, num_heads=2)


def rows_of(seed: int, count: int) -> Rows:
    """The order of ids 40 and 41, side by side among others, tells the class; one label in ten is wrong."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 40, (count, 8)).astype(np.int32)
    labels = rng.integers(0, 2, count)
    for row, label in enumerate(np.where(rng.random(count) < 0.1, 1 - labels, labels)):
        words[row, 3:5] = (40, 41) if label else (41, 40)
    return Rows({"words": words}, object_column(labels.tolist()), None, hash_rows({"words": words}, SCHEMA))


class Stream:
    """The first growth of a stream, and candidates of the second."""

    def __init__(self, folder: Path, model: ModelConfig = MODEL) -> None:
        self.artifacts, self.folder = MemoryArtifacts(), folder
        self.manifest = Manifest(stream="s", schema=SCHEMA, model=model, branches=(), tasks=())
        train, validation = (
            self.artifacts.put(to_parquet(rows_of(seed, count), SCHEMA))
            for seed, count in ((0, 300), (1, 100))
        )
        self.plan = GrowthPlan(
            stream="s", window="w1", task="t", classes=(0, 1), parent_manifest=self.manifest,
            parent_version=None, parent_task=None, lineage=(), init=BranchInit.SCRATCH,
            init_head_from_parent=False, new_branches=("b1",), train=train, validation=validation,
            holdout=validation, growth=GrowthConfig(epochs=3, batch_size=32), seed=0,
        )  # fmt: skip

    def grow(self, plan: GrowthPlan) -> GrowthResult:
        return train_branch(plan, self.artifacts, self.folder / plan.window, lambda _: None)

    def load(self, manifest: Manifest) -> GrowingNetwork:
        return load_network(manifest, self.artifacts.get)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    return Stream(tmp_path_factory.mktemp("stream"))


@pytest.fixture(scope="module")
def first(stream: Stream) -> GrowthResult:
    return stream.grow(stream.plan)


def accuracy(network: GrowingNetwork, rows: Rows, task: str = "t") -> float:
    return float((network.logits(rows, task).argmax(1) == rows.labels).mean())


def test_the_first_answer_starts_with_the_linear_term(stream: Stream, first: GrowthResult) -> None:
    network = stream.load(first.build_manifest(stream.plan))
    (linear, _), (branch_head, combination) = list_terms(network.head("t"))
    assert (linear.normed, branch_head.normed) == (False, True)
    assert combination.frozen_weight == 1
    assert first.combination == ALONE
    assert not linear.gates[1:].any()
    assert accuracy(network, rows_of(2, 300)) > 0.85  # of 90 %
    assert first.validation_loss is not None
    assert first.validation_loss < 0.45


def test_the_same_plan_gives_the_same_weights(stream: Stream, first: GrowthResult) -> None:
    again = stream.grow(replace(stream.plan, window="again"))
    assert (again.head, again.branches) == (first.head, first.branches)


@pytest.mark.parametrize("kind", [CandidateKind.RESIDUAL, CandidateKind.AVERAGE])
def test_a_later_answer_keeps_it_and_changes_no_bit_of_the_first(
    stream: Stream, first: GrowthResult, kind: CandidateKind
) -> None:
    model = first.build_manifest(stream.plan)
    changes: dict[str, Any] = {"task": "u", "window": f"w2-{kind}", "new_branches": ("b2",)}
    plan = replace(stream.plan, parent_manifest=model, parent_version=1, base_task="t", **changes)
    candidate = plan_candidates(plan, ())[kind]
    network = stream.load(stream.grow(candidate).build_manifest(candidate))
    answer = network.head("u")
    assert isinstance(answer, HeadSum)
    own = {CandidateKind.RESIDUAL: [True], CandidateKind.AVERAGE: [False, True]}  # with a stem of its own
    assert [head.normed for head, _ in list_terms(answer)] == [False, True, *own[kind]]
    rows = rows_of(2, 300)
    assert accuracy(network, rows, "u") > 0.85
    assert np.array_equal(network.logits(rows, "t"), stream.load(model).logits(rows, "t"))


def test_a_linear_term_leaves_a_full_lineage_with_its_head(tmp_path: Path) -> None:
    stream = Stream(tmp_path, replace(MODEL, max_lineage_length=2))
    model = stream.grow(stream.plan).build_manifest(stream.plan)
    for number in (2, 3):
        changes: dict[str, Any] = {
            "task": f"t{number}",
            "window": f"w{number}",
            "new_branches": (f"b{number}",),
            "parent_manifest": model,
            "parent_version": 1,
            "base_task": model.tasks[-1].name,
        }
        candidate = plan_candidates(replace(stream.plan, **changes), ())[CandidateKind.AVERAGE]
        model = stream.grow(candidate).build_manifest(candidate)
    network = stream.load(model)
    assert len(model.task("t3").lineage) == 2
    assert [head.normed for head, _ in list_terms(network.head("t3"))] == [False, True, False, True]
    assert accuracy(network, rows_of(2, 300), "t3") > 0.85
