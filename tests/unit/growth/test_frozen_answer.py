"""Branches trained through the sum with a frozen answer, on real digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from growlearn.domain.growth import BranchInit, GrowthPlan
from growlearn.domain.model_selection import CandidateKind
from growlearn.growth.calibration import calibrate_plan, measure_calibrated_loss
from growlearn.growth.candidates import plan_candidates
from growlearn.growth.combination import COMBINATIONS
from growlearn.growth.training_data import to_class_indices
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.network.bitwise_check import find_changed_tasks
from growlearn.network.model.head_sum import HeadSum
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.truncation import truncate_model
from tests.unit.digits import SCHEMA
from tests.unit.model_builder import MODEL, ModelBuilder

KINDS = (CandidateKind.RESIDUAL, CandidateKind.AVERAGE)


def _network(builder: Any) -> GrowingNetwork:
    return load_network(builder.manifest, builder.artifacts.get)


def _plan(builder: Any, kind: CandidateKind, rows: Rows, base: str = "task-1") -> GrowthPlan:
    return plan_candidates(builder.plan(rows, base_task=base), ())[kind]


def _inverted(rows: Rows) -> Rows:
    return replace(rows, inputs={"image": 255 - rows.inputs["image"]})


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_is_the_frozen_one_plus_the_new_head_and_lowers_its_loss(
    builder: Any, kind: CandidateKind
) -> None:
    builder.keep(builder.plan(builder.only(0, 1, 2)))
    before = _network(builder)
    plan = _plan(builder, kind, _inverted(builder.only(0, 1, 2)))
    result = builder.keep(plan)
    validation = from_parquet(builder.artifacts.get(plan.validation), SCHEMA)
    targets = to_class_indices(validation.labels, plan.classes).numpy()

    def loss(network: GrowingNetwork, task: str) -> float:
        calibration = builder.manifest.task(task).calibration
        return measure_calibrated_loss(network.logits(validation, task), targets, calibration)

    assert result.lineage == ("b1", "b2")
    assert result.combination in COMBINATIONS
    assert result.initial_loss <= loss(before, "task-1")  # its temperature was fitted to other rows
    assert result.best_loss == pytest.approx(loss(_network(builder), plan.task), abs=1e-5)
    assert result.best_loss < result.initial_loss / 2
    assert result.improved
    assert find_changed_tasks(before, _network(builder), {"task-1": validation}) == ()
    assert [point.branch for point in result.prefix_curve][-2:] == ["b1", "b2"]
    initial = load_network(result.build_initial_manifest(plan), builder.artifacts.get)
    assert np.allclose(initial.logits(validation, plan.task), before.logits(validation, "task-1"), atol=1e-6)


def test_the_copy_without_the_frozen_answer_comes_of_the_same_training(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    plan = _plan(builder, CandidateKind.AVERAGE, _inverted(builder.only(0, 1)))
    result = builder.grow(plan)
    alone = result.leave_out_frozen()
    assert alone is not None
    fine_tuned = builder.grow(replace(plan, combinations=(), window="w9"))
    assert (alone.head, alone.branches, alone.lineage) == (fine_tuned.head, fine_tuned.branches, ("b2",))
    assert (alone.best_loss, alone.initial_loss) == (fine_tuned.best_loss, fine_tuned.initial_loss)
    assert (alone.calibration, alone.initial_head) == (fine_tuned.calibration, fine_tuned.initial_head)
    assert alone.leave_out_frozen() is None
    residual = replace(_plan(builder, CandidateKind.RESIDUAL, builder.only(0, 1)), window="w8")
    assert builder.grow(residual).leave_out_frozen() is None


def test_a_prefix_of_the_sum_is_the_frozen_answer(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    rows = _inverted(builder.only(0, 1))
    builder.keep(_plan(builder, CandidateKind.AVERAGE, rows))
    small = load_network(truncate_model(builder.manifest, 1, builder.artifacts), builder.artifacts.get)
    frozen = _network(builder).logits(rows, "task-1")
    assert np.allclose(small.logits(rows, "task-2"), frozen, atol=1e-6)


def test_a_class_that_the_frozen_answer_does_not_know_is_learned(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    rows = builder.only(0, 1, 6)
    builder.keep(_plan(builder, CandidateKind.AVERAGE, rows))
    predicted = _network(builder).logits(rows, "task-2").argmax(1)
    of_new = predicted[rows.labels == 6]
    assert (of_new == 2).mean() > 0.5  # the two others alone would be right in none


@pytest.mark.parametrize("kind", KINDS)
def test_a_lineage_does_not_grow_longer_than_the_model_allows(
    tmp_path: Path, digit_rows: Rows, kind: CandidateKind
) -> None:
    builder = ModelBuilder(tmp_path, digit_rows, replace(MODEL, max_lineage_length=2))
    builder.keep(builder.plan(builder.only(0, 1, 2)))
    for number in (2, 3):
        rows = _inverted(builder.only(0, 1, 2))
        result = builder.keep(_plan(builder, kind, rows, base=builder.manifest.tasks[-1].name))
        assert len(result.lineage) == 2
        assert result.lineage[-1] == f"b{number}"
    head = _network(builder).head("task-3")
    assert isinstance(head, HeadSum)
    assert len(head.heads) == 2


def test_an_interrupted_training_through_the_sum_ends_with_the_same_bits(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    plan = _plan(builder, CandidateKind.AVERAGE, _inverted(builder.only(0, 1)))

    def stop(progress: Any) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        builder.grow(plan, stop)
    resumed, whole = builder.grow(plan), builder.grow(replace(plan, window="w9"))
    assert (resumed.head, resumed.branches, resumed.combination) == (
        whole.head,
        whole.branches,
        whole.combination,
    )


@pytest.mark.parametrize("is_new_head", [True, False])
def test_a_lineage_on_two_stems_is_read_before_training_as_after(builder: Any, is_new_head: bool) -> None:
    """A branch on a frozen stem reads the parent's stem alone; heads of stored models read every stem."""
    builder.keep(builder.plan(builder.only(0, 1)))
    builder.keep(_plan(builder, CandidateKind.AVERAGE, _inverted(builder.only(0, 1))))
    plan = builder.plan(builder.only(2, 3), parent="task-2")
    plan = replace(plan, new_branches=()) if is_new_head else plan
    assert {entry.stem for entry in builder.manifest.branches} == set(plan.lineage) == {"b1", "b2"}
    result = builder.keep(plan)
    validation = from_parquet(builder.artifacts.get(plan.validation), SCHEMA)
    targets = to_class_indices(validation.labels, plan.classes)
    initial = load_network(result.build_initial_manifest(plan), builder.artifacts.get)
    for network, loss in ((initial, result.initial_loss), (_network(builder), result.best_loss)):
        logits = torch.from_numpy(network.logits(validation, plan.task))
        assert calibrate_plan(plan, logits, targets).loss == pytest.approx(loss, abs=1e-5)


def test_without_a_known_task_of_its_classes_no_answer_enters(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    plans = plan_candidates(builder.plan(builder.only(2, 3), parent="task-1"), ("fine_tune",))
    assert set(plans) == {CandidateKind.BRANCH, CandidateKind.FINE_TUNE}
    assert all(plan.combination.frozen_weight == 0 for plan in plans.values())


def test_a_job_may_allow_one_start_only(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    plan = builder.plan(builder.only(0, 1), base_task="task-1")
    only_residual = replace(plan, growth=replace(plan.growth, init="residual"))
    plans = plan_candidates(only_residual, ())
    assert [(kind, joined.init) for kind, joined in plans.items()] == [
        (CandidateKind.RESIDUAL, BranchInit.RESIDUAL)
    ]
    assert [joined.train_router for joined in plan_candidates(plan, ("fine_tune",)).values()].count(True) == 1
