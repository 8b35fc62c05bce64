from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult, Lesson
from growlearn.growth.consolidation import consolidate
from growlearn.growth.model.network import GrowingNetwork, load_network
from growlearn.growth.router.router import load_router

TASKS = {"task-1": (0, 1), "task-2": (2, 3), "task-3": (4, 5), "task-4": (6, 7)}


class _StoppedError(Exception):
    pass


@pytest.fixture
def plan(nursery: Any) -> ConsolidationPlan:
    """Four tasks grown on four branches, to be taught to two."""
    lessons = []
    for task, labels in TASKS.items():
        grown = nursery.plan(nursery.only(*labels), parent=None if task == "task-1" else "task-1")
        nursery.keep(grown)
        lessons.append(
            Lesson(task=task, train=grown.train, validation=grown.validation, holdout=grown.holdout)
        )
    return ConsolidationPlan(
        stream="digits",
        window="w5",
        base=nursery.manifest,
        base_version=4,
        lessons=tuple(lessons),
        new_branches=("b5", "b6"),
        growth=replace(nursery.plan(nursery.digits).growth, epochs=4),
        max_accuracy_loss=0.01,
        seed=5,
    )


def _consolidate(nursery: Any, plan: ConsolidationPlan, report: Any = lambda _: None) -> ConsolidationResult:
    return consolidate(plan, nursery.artifacts, nursery.folder / plan.window, report)


def _accuracy(network: GrowingNetwork, nursery: Any, task: str) -> float:
    rows, classes = nursery.only(*TASKS[task]), np.array(TASKS[task])
    return float((classes[network.logits(rows, task).argmax(1)] == rows.labels).mean())


def test_every_task_is_answered_by_fewer_branches_about_as_well(
    nursery: Any, plan: ConsolidationPlan
) -> None:
    before = load_network(plan.base, nursery.artifacts.get)
    result = _consolidate(nursery, replace(plan, growth=replace(plan.growth, epochs=12)))
    manifest = result.manifest_of(plan)
    after = load_network(manifest, nursery.artifacts.get)
    assert [branch.id for branch in manifest.branches] == ["b5", "b6"]
    assert {branch.parent for branch in manifest.branches} <= set(before.branches)
    assert [branch.stem for branch in manifest.branches] == ["b5", "b6"]
    assert [head.name for head in manifest.tasks] == list(TASKS)
    assert [head.classes for head in manifest.tasks] == list(TASKS.values())
    assert all(len(head.lineage) == 1 for head in manifest.tasks)
    losses = [_accuracy(before, nursery, task) - _accuracy(after, nursery, task) for task in TASKS]
    assert max(losses) < 0.02


def test_equal_plans_give_equal_weights_and_another_seed_others(
    nursery: Any, plan: ConsolidationPlan
) -> None:
    first, again = _consolidate(nursery, plan), _consolidate(nursery, replace(plan, window="w6"))
    assert (first.branches, first.heads) == (again.branches, again.heads)
    assert _consolidate(nursery, replace(plan, window="w7", seed=6)).heads != first.heads


def test_an_interrupted_consolidation_ends_with_the_same_bits(nursery: Any, plan: ConsolidationPlan) -> None:
    undisturbed, interrupted = _consolidate(nursery, plan), replace(plan, window="w8")

    def stop(progress: Any) -> None:
        if progress.done == 2:
            raise _StoppedError

    with pytest.raises(_StoppedError):
        _consolidate(nursery, interrupted, stop)
    resumed: list[int] = []
    result = _consolidate(nursery, interrupted, lambda progress: resumed.append(progress.done))
    assert resumed == [3, 4]
    assert (result.branches, result.heads) == (undisturbed.branches, undisturbed.heads)


def test_the_model_consolidated_stays_as_it_was(nursery: Any, plan: ConsolidationPlan) -> None:
    stored = {sha256: nursery.artifacts.get(sha256) for sha256 in _weights(plan)}
    _consolidate(nursery, plan)
    assert stored == {sha256: nursery.artifacts.get(sha256) for sha256 in _weights(plan)}


def test_one_branch_may_take_over_every_task(nursery: Any, plan: ConsolidationPlan) -> None:
    result = _consolidate(nursery, replace(plan, new_branches=("b5",)))
    assert [head.lineage for head in result.heads] == [("b5",)] * len(TASKS)
    loaded = load_network(result.manifest_of(plan), nursery.artifacts.get)
    assert sum(result.branch_parameters) == sum(p.numel() for p in loaded.parameters())


def test_rows_without_a_task_are_routed_as_before(nursery: Any, plan: ConsolidationPlan) -> None:
    manifest = _consolidate(nursery, plan).manifest_of(plan)
    likely = [
        load_router(
            each, load_network(each, nursery.artifacts.get).root_stem, nursery.artifacts.get
        ).probabilities(nursery.only(2, 3), list(TASKS))
        for each in (plan.base, manifest)
    ]
    assert torch.equal(*likely)


def _weights(plan: ConsolidationPlan) -> list[str]:
    branches = [entry.sha256 for entry in plan.base.branches]
    return branches + [head.sha256 for head in plan.base.tasks]
