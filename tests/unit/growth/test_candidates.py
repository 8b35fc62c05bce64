"""Smaller candidates than the planned branch, really trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from growlearn.domain.growth import BranchInit, ProbeScore
from growlearn.growth.candidates import HEAD_EPOCH_FACTOR, fine_tune_plan, new_head_plan
from growlearn.network.model.network import load_network

SCORES = (
    ProbeScore(task=None, lineage=(), accuracy=0.9, init=BranchInit.RESIDUAL),
    ProbeScore(task="task-1", lineage=("b1",), accuracy=0.8, init=BranchInit.RESIDUAL),
    ProbeScore(task="task-1", lineage=(), accuracy=0.7, init=BranchInit.WARM_START),
    ProbeScore(task="task-2", lineage=("b2",), accuracy=0.8, init=BranchInit.RESIDUAL),
)


def _two_tasks(builder: Any) -> Any:
    builder.keep(builder.plan(builder.only(0, 1, 2)))
    builder.keep(builder.plan(builder.only(3, 4), init=BranchInit.SCRATCH))
    return builder.plan(builder.only(0, 1, 2), init=BranchInit.SCRATCH, probe_scores=SCORES)


def test_a_head_reads_the_frozen_lineage_with_the_best_probe_score(builder: Any) -> None:
    head = new_head_plan(_two_tasks(builder))
    assert head is not None
    assert (head.parent_task, head.lineage, head.new_branches) == ("task-1", ("b1",), ())
    assert head.growth.epochs == HEAD_EPOCH_FACTOR * 3  # the cost of three epochs of a branch
    assert head.init_head_from_parent  # the same classes: it starts from the parent's head


def test_without_a_frozen_lineage_there_is_no_new_head_plan(builder: Any) -> None:
    assert new_head_plan(builder.plan(builder.digits)) is None


def test_a_head_alone_adds_its_task_without_a_branch(builder: Any) -> None:
    plan = new_head_plan(_two_tasks(builder))
    assert plan is not None
    result = builder.grow(plan)

    assert (result.branches, result.branch_parameters, result.lineage) == ((), (), ("b1",))
    assert result.improved
    network = load_network(result.build_manifest(plan), builder.artifacts.get)
    assert list(network.branches) == ["b1", "b2"]
    assert network.lineages[-1] == ("b1",)
    head = network.head(plan.task)
    assert result.parameters == result.head_parameters == sum(p.numel() for p in head.parameters())
    assert [point.branch for point in result.prefix_curve] == [None, "b1"]


def test_a_head_alone_is_the_same_however_often_it_is_trained(builder: Any) -> None:
    plan = new_head_plan(_two_tasks(builder))
    assert plan is not None
    assert builder.grow(plan).head == builder.grow(replace(plan, window="w9")).head


def test_fine_tuning_trains_a_copy_of_the_newest_branch(builder: Any) -> None:
    plan = _two_tasks(builder)
    tuned = fine_tune_plan(plan)
    assert tuned is not None
    assert (tuned.parent_task, tuned.init, tuned.lineage) == ("task-2", BranchInit.WARM_START, ())
    assert not tuned.init_head_from_parent  # other classes
    result = builder.grow(tuned)
    assert [branch.id for branch in result.branches] == list(plan.new_branches)
    assert result.build_manifest(tuned).branches[:2] == plan.parent_manifest.branches


def test_a_plan_that_fine_tunes_the_newest_branch_has_no_such_baseline(builder: Any) -> None:
    plan = _two_tasks(builder)
    tuned = fine_tune_plan(plan)
    assert tuned is not None
    assert fine_tune_plan(replace(tuned, train_router=True)) is None


def test_a_first_task_has_nothing_to_fine_tune(builder: Any) -> None:
    assert fine_tune_plan(builder.plan(builder.digits)) is None
