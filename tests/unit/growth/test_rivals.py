"""Cheaper ways than the planned branch, trained for real."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from growlearn.domain.growth import Birth, ParentScore
from growlearn.growth.model.network import load_network
from growlearn.growth.rivals import HEAD_EPOCHS, fine_tuned, head_alone

SCORES = (
    ParentScore(task=None, lineage=(), accuracy=0.9, birth=Birth.ZERO),
    ParentScore(task="task-1", lineage=("b1",), accuracy=0.8, birth=Birth.ZERO),
    ParentScore(task="task-1", lineage=(), accuracy=0.7, birth=Birth.COPY),
    ParentScore(task="task-2", lineage=("b2",), accuracy=0.8, birth=Birth.ZERO),
)


def _two_tasks(nursery: Any) -> Any:
    nursery.keep(nursery.plan(nursery.only(0, 1, 2)))
    nursery.keep(nursery.plan(nursery.only(3, 4), birth=Birth.OWN))
    return nursery.plan(nursery.only(0, 1, 2), birth=Birth.OWN, parent_scores=SCORES)


def test_a_head_stands_on_the_frozen_branches_that_the_probe_found_best(nursery: Any) -> None:
    head = head_alone(_two_tasks(nursery))
    assert head is not None
    assert (head.parent, head.lineage, head.new_branches) == ("task-1", ("b1",), ())
    assert head.growth.epochs == HEAD_EPOCHS * 3  # which cost no more than the branch's three
    assert head.copy_head  # the same classes: it starts from the parent's answer


def test_without_a_frozen_branch_there_is_no_head_to_fit(nursery: Any) -> None:
    assert head_alone(nursery.plan(nursery.digits)) is None


def test_a_head_alone_opens_its_task_without_a_branch(nursery: Any) -> None:
    plan = head_alone(_two_tasks(nursery))
    assert plan is not None
    result = nursery.grow(plan)

    assert (result.branches, result.branch_parameters, result.lineage) == ((), (), ("b1",))
    assert result.reduced_loss
    network = load_network(result.manifest_of(plan), nursery.artifacts.get)
    assert list(network.branches) == ["b1", "b2"]
    assert network.lineages[-1] == ("b1",)
    head = network.head(plan.task)
    assert result.parameters == result.head_parameters == sum(p.numel() for p in head.parameters())
    assert [point.branch for point in result.approximation] == [None, "b1"]


def test_a_head_alone_is_the_same_however_often_it_is_trained(nursery: Any) -> None:
    plan = head_alone(_two_tasks(nursery))
    assert plan is not None
    assert nursery.grow(plan).head == nursery.grow(replace(plan, window="w9")).head


def test_fine_tuning_trains_a_copy_of_the_newest_branch(nursery: Any) -> None:
    plan = _two_tasks(nursery)
    tuned = fine_tuned(plan)
    assert tuned is not None
    assert (tuned.parent, tuned.birth, tuned.lineage) == ("task-2", Birth.COPY, ())
    assert not tuned.copy_head  # other classes
    result = nursery.grow(tuned)
    assert [branch.id for branch in result.branches] == list(plan.new_branches)
    assert result.manifest_of(tuned).branches[:2] == plan.base.branches


def test_a_plan_that_fine_tunes_the_newest_has_no_such_rival(nursery: Any) -> None:
    plan = _two_tasks(nursery)
    tuned = fine_tuned(plan)
    assert tuned is not None
    assert fine_tuned(replace(tuned, route=True)) is None


def test_a_first_task_has_nothing_to_fine_tune(nursery: Any) -> None:
    assert fine_tuned(nursery.plan(nursery.digits)) is None
