"""A planned branch against smaller candidates, in the loop, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from growlearn.domain.drift_config import RefineConfig
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.job import BaselineComparisonConfig, HoldoutFraction
from growlearn.domain.metric import MetricName
from growlearn.domain.model_selection import CandidateKind
from growlearn.domain.window import Verdict, WindowState
from growlearn.drift.policy import collect_trainings
from growlearn.pipeline.verify import verify_version
from growlearn.registry.decision_report import explain_window
from tests.unit.digits import Digits, Images
from tests.unit.in_memory import JOB, TASKED, World

NAMED = replace(TASKED, holdout=HoldoutFraction(fraction=0.4))
"""A stream with a task column: every new task is trained on."""


def _easy(images: Images, labels: list[int | None]) -> Digits:
    """Zeros, ones and sixes alone, which every model learns."""
    rows = [row for row, label in enumerate(labels) if label in (0, 1, 6)]
    return images[rows], [labels[row] for row in rows]


def _renamed(images: Images, labels: list[int | None]) -> Digits:
    """Zeros, ones and sixes alone, called 10, 11 and 16."""
    images, labels = _easy(images, labels)
    return images, [10 + int(label or 0) for label in labels]


def test_a_named_task_that_a_known_one_answers_as_well_takes_its_answer(
    tmp_path: Path, digits: Digits
) -> None:
    images, labels = _easy(*digits)
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:300], labels[:300], "a")

    again = world.send("2.parquet", images[300:], labels[300:], "b")

    assert (again.verdict, again.state, again.task) == (Verdict.NEW_TASK, WindowState.PROMOTED, "b")
    record = world.store.window_record("digits", "w2")
    assert record.model_selection is not None
    assert record.model_selection.selected is CandidateKind.NO_CHANGE
    first, second = world.store.versions("digits")
    known, opened = second.manifest.task("a"), second.manifest.task("b")
    assert replace(opened, name="a") == known
    assert (second.branches, second.parameters) == (first.branches, first.parameters)
    assert all("nothing outperforms it" in gate.reason for gate in record.gates if gate.gate == "baseline")
    later = world.send("3.parquet", images[200:300], labels[200:300], "b")
    assert (later.verdict, later.task) == (Verdict.KNOWN_TASK, "b")
    assert isinstance(record.plan, GrowthPlan)
    trained = world.ports.models.rows(record.plan.train, NAMED.schema)
    assert f"not refined: {100 + len(trained)} of 500 new labelled rows" in str(later.reason)
    assert verify_version(world.store, world.artifacts, "digits", 2).is_verified
    told = {section.heading: section.lines for section in explain_window(world.store, "digits", "w2")}
    assert told["Training"] == ("Task 'b' takes the answer of task 'a' as it is: nothing outperforms it.",)


def test_rows_that_are_kept_are_not_trained_on_twice_after_a_known_answer(
    tmp_path: Path, digits: Digits
) -> None:
    images, labels = _easy(*digits)
    world = World(
        tmp_path, replace(NAMED, retain="all", refine=RefineConfig(min_rows=50, when="every_window"))
    )
    world.send("1.parquet", images[:300], labels[:300], "a")
    world.send("2.parquet", images[300:450], labels[300:450], "b")
    assert world.store.versions("digits")[-1].manifest.task("b").retained is None
    world.send("3.parquet", images[450:], labels[450:], "b")
    plan = world.store.window_record("digits", "w3").plan
    assert isinstance(plan, GrowthPlan)
    assert plan.refinement is not None
    assert plan.refinement.windows == ("w2", "w3")
    hashes = world.ports.models.rows(plan.train, NAMED.schema).row_hashes
    assert len(set(hashes)) == len(hashes)


def test_a_known_answer_of_fewer_classes_may_be_taken(tmp_path: Path, digits: Digits) -> None:
    """The window lacks a class that the known task has."""
    images, labels = _easy(*digits)
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:300], labels[:300], "a")
    rows = [row for row, label in enumerate(labels) if label != 6 and row >= 300]
    again = world.send("2.parquet", images[rows], [labels[row] for row in rows], "b")
    assert again.state is WindowState.PROMOTED, again.reason
    assert world.store.versions("digits")[-1].manifest.task("b").classes == (0, 1, 6)


def test_random_labels_get_no_branch(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    strict = replace(NAMED, baseline_comparison=BaselineComparisonConfig(alpha=0.001))
    world = World(tmp_path, strict)  # by chance a branch outperforms in one of 1,000 cases
    world.send("1.parquet", images[:700], labels[:700], "a")
    order = np.random.default_rng(0).permutation(400)
    shuffled = [labels[700 + row] for row in order]

    poisoned = world.send("2.parquet", images[700:1100], shuffled, "b")

    assert poisoned.state is WindowState.REJECTED
    assert world.store.stream("digits").champion == 1


def test_labels_that_contradict_a_task_with_equal_inputs_fail_the_routing_gate(
    tmp_path: Path, digits: Digits
) -> None:
    """Every label of the window becomes the next one; a branch would learn that well."""
    images, labels = digits
    world = World(tmp_path, replace(JOB, holdout=HoldoutFraction(fraction=0.4)))
    world.send("1.parquet", images[:700], labels[:700])
    permuted = [(int(label or 0) + 1) % 10 for label in labels[700:1200]]

    poisoned = world.send("2.parquet", images[700:1200], list(permuted))

    assert (poisoned.verdict, poisoned.state) == (Verdict.DRIFT, WindowState.REJECTED)
    record = world.store.window_record("digits", "w2")
    assert record.model_selection is not None
    assert record.model_selection.selected is not CandidateKind.NO_CHANGE
    assert [gate.gate for gate in record.gates if not gate.passed] == ["routed_accuracy"]
    again = world.send("3.parquet", images[1500:], labels[1500:])
    assert (again.verdict, again.task) == (Verdict.STABLE, "task-1")


def test_a_new_head_is_selected_where_a_branch_is_no_better(tmp_path: Path, digits: Digits) -> None:
    """Three of the same digits under other labels."""
    images, labels = digits
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:700], labels[:700], "a")

    window = world.send("2.parquet", *_renamed(images[700:1200], labels[700:1200]), "b")

    record = world.store.window_record("digits", "w2")
    assert record.model_selection is not None
    assert record.model_selection.selected is CandidateKind.NEW_HEAD
    assert window.state is WindowState.PROMOTED
    assert isinstance(record.result, GrowthResult)
    assert (record.result.branches, record.result.lineage) == ((), ("b1",))
    version = world.store.versions("digits")[-1]
    assert version.branches == ("b1",)
    assert version.parameters == world.store.versions("digits")[0].parameters + record.result.head_parameters
    assert [branch.id for branch in world.store.branches("digits")] == ["b1"]
    assert version.manifest.router is not None
    assert {task for task, _ in version.manifest.router.task_classes} == {"a", "b"}


def test_a_branch_is_selected_where_nothing_smaller_is_as_good(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    scrambled = images.reshape(len(images), -1)[:, np.random.default_rng(3).permutation(64)].reshape(
        images.shape
    )
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:700], labels[:700], "a")

    window = world.send("2.parquet", scrambled[700:1300], labels[700:1300], "b")

    selection = world.store.window_record("digits", "w2").model_selection
    assert selection is not None
    assert selection.selected.is_branch
    assert window.state is WindowState.PROMOTED
    assert [branch.id for branch in world.store.branches("digits")] == ["b1", "b2"]


def test_a_known_task_of_more_classes_is_compared_on_the_same_labels(tmp_path: Path, digits: Digits) -> None:
    """What the known task numbers 2 and 3 the new one numbers 0 and 1."""
    images, labels = digits
    world = World(tmp_path, replace(NAMED, metric=MetricName.BALANCED_ACCURACY))
    four = [row for row, label in enumerate(labels) if label in (0, 1, 4, 6)]
    two = [row for row, label in enumerate(labels) if label in (4, 6)]
    order = np.random.default_rng(3).permutation(64)
    scrambled = images.reshape(len(images), -1)[:, order].reshape(images.shape)
    world.send("1.parquet", images[four], [labels[row] for row in four], "a")

    world.send("2.parquet", scrambled[two], [labels[row] for row in two], "b")

    selection = world.store.window_record("digits", "w2").model_selection
    assert selection is not None
    against = [each for each in selection.comparisons if each.smaller is CandidateKind.NO_CHANGE]
    assert (selection.metric, min(each.p_value for each in against) < 0.01) == ("balanced_accuracy", True)


def test_later_growth_may_extend_a_task_with_a_head_alone(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:700], labels[:700], "a")
    world.send("2.parquet", *_renamed(images[700:1200], labels[700:1200]), "b")

    last = world.send("3.parquet", *_renamed(255 - images[1200:], labels[1200:]), "c")

    assert last.state in (WindowState.PROMOTED, WindowState.REJECTED)
    assert world.store.window_record("digits", "w3").model_selection is not None
    assert [len(version.tasks) for version in world.store.versions("digits")][:2] == [1, 2]


@pytest.mark.parametrize("baselines", [(), ("no_change",)])
def test_a_job_names_the_baselines(tmp_path: Path, digits: Digits, baselines: tuple[str, ...]) -> None:
    images, labels = digits
    job = replace(JOB, baseline_comparison=BaselineComparisonConfig(baselines=baselines))  # type: ignore[arg-type]
    world = World(tmp_path, job)
    world.send("1.parquet", images[:400], labels[:400])
    world.send("2.parquet", 255 - images[400:800], labels[400:800])

    selection = world.store.window_record("digits", "w2").model_selection
    assert selection is not None
    assert {item.kind for item in selection.candidates} == {*baselines, "residual", "average"}


def test_the_training_time_of_a_window_covers_all_candidates(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path, NAMED)
    world.send("1.parquet", images[:700], labels[:700], "a")
    window = world.send("2.parquet", *_renamed(images[700:1200], labels[700:1200]), "b")
    record = world.store.window_record("digits", window.id)
    assert record.model_selection is not None
    assert isinstance(record.result, GrowthResult)
    (first, second) = collect_trainings(
        world.store.windows("digits"), lambda item: world.store.window_record("digits", item.id)
    )
    assert (first.window_number, second.window_number) == (1, 2)
    assert (
        second.seconds
        == sum(item.seconds for item in record.model_selection.candidates)
        > record.result.seconds
    )
