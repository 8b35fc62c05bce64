"""Growth against cheaper ways, in the loop, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from growlearn.domain.growth import GrowthResult
from growlearn.domain.job import WorthSpec
from growlearn.domain.window import Verdict, WindowState
from growlearn.domain.worth import Means
from growlearn.drift.policy import trainings_of
from tests.unit.test_cycle import JOB, TASKED, Images, World, digits

__all__ = ["digits"]  # a fixture
Digits = tuple[Images, list[int | None]]
NAMED = replace(TASKED, holdout=0.4)
"""A stream whose task column opens tasks: each calls for growth, whether it is worth it or not."""


def _renamed(images: Images, labels: list[int | None]) -> tuple[Images, list[int | None]]:
    """Zeros, ones and sixes alone, called 10, 11 and 16."""
    mine = [at for at, label in enumerate(labels) if label in (0, 1, 6)]
    return images[mine], [10 + int(labels[at] or 0) for at in mine]


def test_growth_is_refused_where_an_earlier_task_answers_as_well(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:700], labels[:700], "a")

    again = world.send("2.parquet", images[700:1100], labels[700:1100], "b")

    assert (again.verdict, again.state) == (Verdict.NEW_TASK, WindowState.REJECTED)
    worth = world.store.record("digits", "w2").worth
    assert worth is not None
    assert worth.winner is Means.NOTHING
    assert "does not beat doing nothing" in (again.reason or "")
    (gate,) = [gate for gate in world.store.record("digits", "w2").gates if gate.gate == "worth"]
    assert (gate.passed, gate.figure) == (
        False,
        min(c.p_value for c in worth.comparisons if c.cheaper == "nothing"),
    )


def test_labels_given_at_random_are_not_worth_a_branch(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:700], labels[:700], "a")
    order = np.random.default_rng(0).permutation(400)
    shuffled = [labels[700 + at] for at in order]

    poisoned = world.send("2.parquet", images[700:1100], shuffled, "b")

    assert poisoned.state is WindowState.REJECTED
    assert world.store.stream("digits").champion == 1


def test_labels_that_contradict_a_task_that_looks_the_same_are_stopped_by_the_routing_gate(
    tmp_path: Path, digits: Digits
) -> None:
    """Every label of the window takes the next one's name; a branch learns that well, and would be served."""
    images, labels = digits
    world = World(tmp_path, replace(JOB, holdout=0.4))
    world.send("1.parquet", images[:900], labels[:900])
    permuted = [(int(label or 0) + 1) % 10 for label in labels[900:1500]]

    poisoned = world.send("2.parquet", images[900:1500], list(permuted))

    assert (poisoned.verdict, poisoned.state) == (Verdict.DRIFT, WindowState.REJECTED)
    record = world.store.record("digits", "w2")
    assert record.worth is not None
    assert record.worth.winner is not Means.NOTHING
    assert [gate.gate for gate in record.gates if not gate.passed] == ["routing"]
    again = world.send("3.parquet", images[1500:], labels[1500:])
    assert (again.verdict, again.task) == (Verdict.STABLE, "task-1")


def test_a_head_of_its_own_is_kept_where_a_branch_is_no_better(tmp_path: Path, digits: Digits) -> None:
    """The same digits under other names, and but three of them."""
    images, labels = digits
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:900], labels[:900], "a")

    window = world.send("2.parquet", *_renamed(images[900:], labels[900:]), "b")

    record = world.store.record("digits", "w2")
    assert record.worth is not None
    assert record.worth.winner is Means.HEAD
    assert window.state is WindowState.PROMOTED
    assert isinstance(record.result, GrowthResult)
    assert (record.result.branches, record.result.lineage) == ((), ("b1",))
    version = world.store.versions("digits")[-1]
    assert version.branches == ("b1",)
    assert version.parameters == world.store.versions("digits")[0].parameters + record.result.head_parameters
    assert [branch.id for branch in world.store.branches("digits")] == ["b1"]
    assert version.manifest.router is not None
    assert {task for task, _ in version.manifest.router.outputs} == {"a", "b"}


def test_a_branch_is_kept_where_nothing_cheaper_is_as_good(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    scrambled = images.reshape(len(images), -1)[:, np.random.default_rng(3).permutation(64)].reshape(
        images.shape
    )
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:700], labels[:700], "a")

    window = world.send("2.parquet", scrambled[700:], labels[700:], "b")

    worth = world.store.record("digits", "w2").worth
    assert worth is not None
    assert worth.winner in (Means.FINE_TUNE, Means.BRANCH)
    assert window.state is WindowState.PROMOTED
    assert [branch.id for branch in world.store.branches("digits")] == ["b1", "b2"]


def test_what_follows_may_grow_from_a_task_that_has_a_head_alone(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:700], labels[:700], "a")
    world.send("2.parquet", *_renamed(images[700:1200], labels[700:1200]), "b")

    last = world.send("3.parquet", *_renamed(255 - images[1200:], labels[1200:]), "c")

    assert last.state in (WindowState.PROMOTED, WindowState.REJECTED)
    assert world.store.record("digits", "w3").worth is not None
    assert [len(v.tasks) for v in world.store.versions("digits")][:2] == [1, 2]


@pytest.mark.parametrize("rivals", [(), ("nothing",)])
def test_a_job_names_the_rivals(tmp_path: Path, digits: Digits, rivals: tuple[str, ...]) -> None:
    images, labels = digits
    job = replace(JOB, worth=WorthSpec(rivals=rivals))  # type: ignore[arg-type]
    world = World(tmp_path, job)
    world.send("1.parquet", images[:400], labels[:400])
    world.send("2.parquet", 255 - images[400:800], labels[400:800])

    worth = world.store.record("digits", "w2").worth
    names = [] if worth is None else [each.means for each in worth.contenders]
    assert names == [*rivals, *(["branch"] if rivals else [])]


def test_the_hours_of_a_window_are_those_of_all_that_was_trained(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:700], labels[:700], "a")
    window = world.send("2.parquet", *_renamed(images[700:1200], labels[700:1200]), "b")
    record = world.store.record("digits", window.id)
    assert record.worth is not None
    assert isinstance(record.result, GrowthResult)
    (first, second) = trainings_of(
        world.store.windows("digits"), lambda each: world.store.record("digits", each.id)
    )
    assert (first.window, second.window) == (1, 2)
    assert second.seconds == sum(each.seconds for each in record.worth.contenders) > record.result.seconds
