"""The first branches of a model form a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from growlearn.domain.errors import GrowLearnError
from growlearn.growth.prefix_evaluation import fewest_branches_within
from growlearn.network.model.network import load_network
from growlearn.network.truncation import truncate_model


def test_a_truncated_model_has_the_logits_of_that_prefix(three_branch_builder: Any) -> None:
    rows = three_branch_builder.only(0, 1, 2)
    three_branch_builder.keep(three_branch_builder.plan(rows))
    whole = load_network(three_branch_builder.manifest, three_branch_builder.artifacts.get)
    head = whole.head("task-1")
    features = whole.features(rows, whole.lineages[0])
    by_prefix = head.prefix_logits(features, 3).detach().numpy()
    for branches in (1, 2, 3):
        small = truncate_model(three_branch_builder.manifest, branches, three_branch_builder.artifacts)
        logits = load_network(small, three_branch_builder.artifacts.get).logits(rows, "task-1")
        assert [branch.id for branch in small.branches] == ["b1", "b2", "b3"][:branches]
        np.testing.assert_allclose(logits, by_prefix[branches - 1], atol=1e-5)


def test_tasks_without_a_remaining_branch_are_dropped_and_others_keep_their_logits(builder: Any) -> None:
    rows = builder.only(0, 1)
    builder.keep(builder.plan(rows))
    builder.keep(builder.plan(builder.only(2, 3)))  # on the stem alone: its lineage is b2
    small = truncate_model(builder.manifest, 1, builder.artifacts)
    assert [head.name for head in small.tasks] == ["task-1"]
    before = load_network(builder.manifest, builder.artifacts.get).logits(rows, "task-1")
    assert np.array_equal(before, load_network(small, builder.artifacts.get).logits(rows, "task-1"))


@pytest.mark.parametrize("branches", [0, 2])
def test_more_branches_than_there_are_cannot_be_kept(builder: Any, branches: int) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    with pytest.raises(GrowLearnError, match=rf"cannot keep {branches} branches: the model has 1"):
        truncate_model(builder.manifest, branches, builder.artifacts)


def test_branches_that_no_task_begins_with_are_no_model(builder: Any) -> None:
    builder.keep(builder.plan(builder.only(0, 1)))
    builder.keep(builder.plan(builder.only(2, 3)))
    refined = replace(builder.manifest, tasks=builder.manifest.tasks[1:])  # as if b2 had refined task-1
    assert refined.tasks[0].lineage[0] == "b2"
    with pytest.raises(GrowLearnError, match=r"no task reads the first 1 branches .* from 2 to 2"):
        truncate_model(refined, 1, builder.artifacts)
    assert truncate_model(refined, 2, builder.artifacts).tasks == refined.tasks


def test_the_fewest_branches_within_the_allowed_drop_are_kept(three_branch_builder: Any) -> None:
    plan = three_branch_builder.plan(three_branch_builder.only(0, 1, 2))
    whole = three_branch_builder.grow(plan)
    small = three_branch_builder.grow(replace(plan, max_accuracy_drop=1.0))
    assert small.prefix_accuracies == whole.prefix_accuracies
    assert (small.lineage, len(small.branches)) == (("b1",), 1)
    initial = load_network(small.build_initial_manifest(plan), three_branch_builder.artifacts.get)
    assert initial.lineages == [("b1", "b2", "b3")]  # before pruning
    assert initial.logits(three_branch_builder.only(0, 1, 2), "task-1").shape[1] == 3
    network = load_network(small.build_manifest(plan), three_branch_builder.artifacts.get)
    rows = three_branch_builder.only(0, 1, 2)
    expected = load_network(
        truncate_model(whole.build_manifest(plan), 1, three_branch_builder.artifacts),
        three_branch_builder.artifacts.get,
    ).logits(rows, "task-1")
    assert np.array_equal(network.logits(rows, "task-1"), expected)


def test_without_an_allowed_drop_useless_branches_are_still_dropped() -> None:
    assert fewest_branches_within((0.9, 0.95, 0.95), 0.0) == 2
    assert fewest_branches_within((0.9, 0.96, 0.95), 0.0) == 2
    assert fewest_branches_within((0.9, 0.95, 0.96), None) == 3


def test_a_replaced_task_is_routable_again_where_its_replacement_is_dropped(builder: Any) -> None:
    for _ in range(3):
        builder.keep(builder.plan(builder.only(0, 1)))
    manifest = replace(builder.manifest, replaced_tasks=("task-1",))
    assert truncate_model(manifest, 3, builder.artifacts).routable_tasks == ("task-2", "task-3")
    assert truncate_model(manifest, 2, builder.artifacts).routable_tasks == ("task-1", "task-2")
