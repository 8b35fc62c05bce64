from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult, TaskData
from growlearn.domain.lineage import Calibration
from growlearn.domain.metric import MetricName
from growlearn.growth.distillation import consolidate_branches
from growlearn.ingest.rows import Rows
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.router.router import load_router

TASKS = {"task-1": (0, 1), "task-2": (2, 3), "task-3": (4, 5), "task-4": (6, 7)}
ROWS = 120


def rows_of(builder: Any, task: str) -> Rows:
    """A few rows of a task's two digits."""
    rows: Rows = builder.only(*TASKS[task])
    return rows.take(np.arange(ROWS))


class _StoppedError(Exception):
    pass


@pytest.fixture
def plan(builder: Any) -> ConsolidationPlan:
    """Four tasks on four branches, to be distilled into two."""
    task_data = []
    for task in TASKS:
        grown = builder.plan(rows_of(builder, task), parent=None if task == "task-1" else "task-1")
        builder.keep(grown)
        task_data.append(
            TaskData(task=task, train=grown.train, validation=grown.validation, holdout=grown.holdout)
        )
    return ConsolidationPlan(
        stream="digits",
        window="w5",
        parent_manifest=builder.manifest,
        parent_version=4,
        task_data=tuple(task_data),
        new_branches=("b5", "b6"),
        growth=replace(builder.plan(builder.digits).growth, epochs=4),
        max_accuracy_drop=0.01,
        seed=5,
    )


def _consolidate(
    builder: Any, plan: ConsolidationPlan, on_progress: Any = lambda _: None
) -> ConsolidationResult:
    return consolidate_branches(plan, builder.artifacts, builder.folder / plan.window, on_progress)


def _accuracy(network: GrowingNetwork, builder: Any, task: str) -> float:
    rows, classes = rows_of(builder, task), np.array(TASKS[task])
    return float((classes[network.logits(rows, task).argmax(1)] == rows.labels).mean())


def test_fewer_branches_keep_the_accuracy_of_every_task(builder: Any, plan: ConsolidationPlan) -> None:
    before = load_network(plan.parent_manifest, builder.artifacts.get)
    result = _consolidate(builder, replace(plan, growth=replace(plan.growth, epochs=12)))
    manifest = result.build_manifest(plan)
    after = load_network(manifest, builder.artifacts.get)
    assert [branch.id for branch in manifest.branches] == ["b5", "b6"]
    assert {branch.parent for branch in manifest.branches} <= set(before.branches)
    assert [branch.stem for branch in manifest.branches] == ["b5", "b6"]
    assert [head.name for head in manifest.tasks] == list(TASKS)
    assert [head.classes for head in manifest.tasks] == list(TASKS.values())
    assert all(len(head.lineage) == 1 for head in manifest.tasks)
    drops = [_accuracy(before, builder, task) - _accuracy(after, builder, task) for task in TASKS]
    assert max(drops) < 0.02


def test_equal_plans_give_equal_weights_and_another_seed_others(
    builder: Any, plan: ConsolidationPlan
) -> None:
    first, again = _consolidate(builder, plan), _consolidate(builder, replace(plan, window="w6"))
    assert (first.branches, first.heads) == (again.branches, again.heads)
    assert _consolidate(builder, replace(plan, window="w7", seed=6)).heads != first.heads


def test_an_interrupted_consolidation_ends_with_the_same_bits(builder: Any, plan: ConsolidationPlan) -> None:
    undisturbed, interrupted = _consolidate(builder, plan), replace(plan, window="w8")

    def stop(progress: Any) -> None:
        if progress.done == 2:
            raise _StoppedError

    with pytest.raises(_StoppedError):
        _consolidate(builder, interrupted, stop)
    resumed: list[int] = []
    result = _consolidate(builder, interrupted, lambda progress: resumed.append(progress.done))
    assert resumed == [3, 4]
    assert (result.branches, result.heads) == (undisturbed.branches, undisturbed.heads)


def test_the_teacher_does_not_change(builder: Any, plan: ConsolidationPlan) -> None:
    stored = {sha256: builder.artifacts.get(sha256) for sha256 in _weights(plan)}
    _consolidate(builder, plan)
    assert stored == {sha256: builder.artifacts.get(sha256) for sha256 in _weights(plan)}


def test_one_branch_may_learn_every_task(builder: Any, plan: ConsolidationPlan) -> None:
    result = _consolidate(builder, replace(plan, new_branches=("b5",)))
    assert [head.lineage for head in result.heads] == [("b5",)] * len(TASKS)
    loaded = load_network(result.build_manifest(plan), builder.artifacts.get)
    assert sum(result.branch_parameters) == sum(p.numel() for p in loaded.parameters())


def test_rows_without_a_task_are_routed_as_before(builder: Any, plan: ConsolidationPlan) -> None:
    manifest = _consolidate(builder, plan).build_manifest(plan)
    read = builder.artifacts.get
    probabilities = [
        load_router(model, load_network(model, read).root_stem, read).probabilities(
            rows_of(builder, "task-2"), list(TASKS)
        )
        for model in (plan.parent_manifest, manifest)
    ]
    assert torch.equal(*probabilities)


def _weights(plan: ConsolidationPlan) -> list[str]:
    branches = [entry.sha256 for entry in plan.parent_manifest.branches]
    return branches + [head.sha256 for head in plan.parent_manifest.tasks]


def test_every_new_head_is_calibrated_on_validation_rows_and_keeps_the_class_weights(
    builder: Any, plan: ConsolidationPlan
) -> None:
    """By balanced accuracy each also gets a threshold, and the best epoch is chosen by it."""
    offsets = (-0.1, 0.1)
    heads = tuple(
        replace(head, calibration=Calibration(temperature=9.0, offsets=offsets), threshold=0.01)
        for head in plan.parent_manifest.tasks
    )
    weighted = replace(
        plan,
        metric=MetricName.BALANCED_ACCURACY,
        parent_manifest=replace(plan.parent_manifest, tasks=heads),
    )
    result = _consolidate(builder, weighted)
    assert [head.calibration.offsets for head in result.heads] == [pytest.approx(offsets)] * 4
    assert all(head.calibration.temperature not in (1.0, 9.0) for head in result.heads)
    assert all(head.threshold is not None and head.threshold > 0.01 for head in result.heads)
    values = {epoch.epoch: epoch.validation_value for epoch in result.epochs}
    assert None not in values.values()
    assert result.best_epoch == 0 or values[result.best_epoch] == max(
        map(float, filter(None, values.values()))
    )
