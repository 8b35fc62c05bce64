"""The first branches of a model are a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from growlearn.domain.errors import GrowLearnError
from growlearn.growth.model.network import load_network
from growlearn.growth.train import smallest
from growlearn.growth.truncation import truncated


def test_a_prefix_answers_as_the_whole_does_when_it_stops_there(triplets: Any) -> None:
    rows = triplets.only(0, 1, 2)
    triplets.keep(triplets.plan(rows))
    whole = load_network(triplets.manifest, triplets.artifacts.get)
    head = whole.head("task-1")
    features = whole.features(rows, whole.lineages[0])
    by_prefix = head.prefixes(features, 3).detach().numpy()
    for branches in (1, 2, 3):
        small = truncated(triplets.manifest, branches, triplets.artifacts)
        answers = load_network(small, triplets.artifacts.get).logits(rows, "task-1")
        assert [branch.id for branch in small.branches] == ["b1", "b2", "b3"][:branches]
        np.testing.assert_allclose(answers, by_prefix[branches - 1], atol=1e-5)


def test_tasks_none_of_whose_branches_are_left_are_left_out_and_others_answer_as_before(nursery: Any) -> None:
    rows = nursery.only(0, 1)
    nursery.keep(nursery.plan(rows))
    nursery.keep(nursery.plan(nursery.only(2, 3)))  # on the bare stem: its lineage is b2 alone
    small = truncated(nursery.manifest, 1, nursery.artifacts)
    assert [head.name for head in small.tasks] == ["task-1"]
    before = load_network(nursery.manifest, nursery.artifacts.get).logits(rows, "task-1")
    assert np.array_equal(before, load_network(small, nursery.artifacts.get).logits(rows, "task-1"))


@pytest.mark.parametrize("branches", [0, 2])
def test_more_branches_than_there_are_cannot_be_kept(nursery: Any, branches: int) -> None:
    nursery.keep(nursery.plan(nursery.only(0, 1)))
    with pytest.raises(GrowLearnError, match=rf"cannot keep {branches} branches: the model has 1"):
        truncated(nursery.manifest, branches, nursery.artifacts)


def test_the_fewest_branches_within_the_loss_are_kept(triplets: Any) -> None:
    plan = triplets.plan(triplets.only(0, 1, 2))
    whole = triplets.grow(plan)
    small = triplets.grow(replace(plan, max_accuracy_loss=1.0))
    assert small.prefix_accuracies == whole.prefix_accuracies
    assert (small.lineage, len(small.branches)) == (("b1",), 1)
    born = load_network(small.birth_manifest_of(plan), triplets.artifacts.get)
    assert born.lineages == [("b1", "b2", "b3")]  # at birth all were there
    assert born.logits(triplets.only(0, 1, 2), "task-1").shape[1] == 3
    network = load_network(small.manifest_of(plan), triplets.artifacts.get)
    rows = triplets.only(0, 1, 2)
    expected = load_network(
        truncated(whole.manifest_of(plan), 1, triplets.artifacts), triplets.artifacts.get
    ).logits(rows, "task-1")
    assert np.array_equal(network.logits(rows, "task-1"), expected)


def test_no_loss_allowed_still_drops_branches_that_add_nothing() -> None:
    assert smallest((0.9, 0.95, 0.95), 0.0) == 2
    assert smallest((0.9, 0.96, 0.95), 0.0) == 2
    assert smallest((0.9, 0.95, 0.96), None) == 3


def test_a_superseded_task_is_active_again_where_its_successor_is_cut_off(nursery: Any) -> None:
    for _ in range(3):
        nursery.keep(nursery.plan(nursery.only(0, 1)))
    manifest = replace(nursery.manifest, superseded=("task-1",))
    assert truncated(manifest, 3, nursery.artifacts).active == ("task-2", "task-3")
    assert truncated(manifest, 2, nursery.artifacts).active == ("task-1", "task-2")
