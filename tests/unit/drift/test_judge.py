from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from growlearn.domain.drift import DriftReport
from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.lineage import Task
from growlearn.domain.window import Verdict
from growlearn.drift.judge import judge
from growlearn.drift.task_data import TaskComparisonData

CONFIG = DriftConfig()
DIGITS = (0, 1, 2)


def never(_: Sequence[Task]) -> Sequence[TaskComparisonData]:
    raise AssertionError("outputs were loaded where none are needed")


def brief(report: DriftReport) -> tuple[Verdict, str | None]:
    return report.verdict, report.task


# No task known yet -----------------------------------------------------------------------------


def test_the_first_window_opens_the_first_task(make_window: Any) -> None:
    report = judge(make_window(), DIGITS, [], never, CONFIG)
    assert brief(report) == (Verdict.FIRST, "task-1")
    assert "opens 'task-1'" in report.reason


def test_the_first_window_opens_the_task_its_column_names(make_window: Any) -> None:
    assert brief(judge(make_window("A"), DIGITS, [], never, CONFIG)) == (Verdict.FIRST, "A")


def test_names_of_tasks_rolled_back_are_not_opened_again(make_window: Any) -> None:
    unnamed = judge(make_window(), DIGITS, [], never, CONFIG, reserved_names=["task-1"])
    named = judge(make_window("A"), DIGITS, [], never, CONFIG, reserved_names=["A"])
    assert (unnamed.task, named.task) == ("task-2", "A/2")


# A task column decides -------------------------------------------------------------------------


def test_an_unknown_name_is_a_new_task(make_window: Any, make_task: Any) -> None:
    report = judge(make_window("B"), DIGITS, [make_task("A", DIGITS)], never, CONFIG)
    assert brief(report) == (Verdict.NEW_TASK, "B")
    assert "not among the known tasks ('A')" in report.reason


def test_a_known_name_with_known_classes_is_a_known_task(make_window: Any, make_task: Any) -> None:
    report = judge(make_window("A"), (0, 2), [make_task("A", DIGITS)], never, CONFIG)
    assert brief(report) == (Verdict.KNOWN_TASK, "A")


def test_a_known_name_without_any_label_is_a_known_task(make_window: Any, make_task: Any) -> None:
    report = judge(make_window("A"), (), [make_task("A", DIGITS)], never, CONFIG)
    assert brief(report) == (Verdict.KNOWN_TASK, "A")


def test_a_known_name_with_new_classes_opens_a_new_version(make_window: Any, make_task: Any) -> None:
    report = judge(make_window("A"), (2, 3, "x"), [make_task("A", DIGITS)], never, CONFIG)
    assert brief(report) == (Verdict.DRIFT, "A/2")
    assert report.reason == "new classes: 3, x"


def test_labels_are_compared_as_they_are(make_window: Any, make_task: Any) -> None:
    report = judge(make_window("A"), ("0", "1"), [make_task("A", DIGITS)], never, CONFIG)
    assert report.reason == "new classes: 0, 1"


def test_a_later_version_matches_the_name_too(make_window: Any, make_task: Any) -> None:
    tasks = [make_task("A", (0, 1)), make_task("B", (5,)), make_task("A/2", (0, 1, 2))]
    assert judge(make_window("A"), (1, 2), tasks, never, CONFIG).task == "A/2"
    assert judge(make_window("A"), (0, 1), tasks, never, CONFIG).task == "A"
    assert brief(judge(make_window("A"), (1, 5), tasks, never, CONFIG)) == (Verdict.DRIFT, "A/3")


def test_classes_that_no_version_has_together_open_another(make_window: Any, make_task: Any) -> None:
    tasks = [make_task("A", (0, 1)), make_task("A/2", (1, 2))]
    report = judge(make_window("A"), (0, 2), tasks, never, CONFIG)
    assert brief(report) == (Verdict.DRIFT, "A/3")
    assert report.reason == "no known task has the classes 0, 2 together"


def test_a_name_that_only_starts_alike_is_another_task(make_window: Any, make_task: Any) -> None:
    tasks = [make_task("A", DIGITS), make_task("A/b", DIGITS)]
    assert brief(judge(make_window("A/c"), DIGITS, tasks, never, CONFIG)) == (Verdict.NEW_TASK, "A/c")


# No task column: labels ------------------------------------------------------------------------


def test_labels_never_seen_are_drift(make_window: Any, make_task: Any) -> None:
    report = judge(make_window(), (0, 7), [make_task("task-1", DIGITS)], never, CONFIG)
    assert brief(report) == (Verdict.DRIFT, "task-2")
    assert report.reason == "new classes: 7"


def test_only_a_task_that_has_the_window_s_classes_can_match(
    make_window: Any, make_task: Any, make_reference: Any
) -> None:
    tasks = [make_task("task-1", DIGITS), make_task("task-2", (0, 1, 3))]
    references = [make_reference("task-1", 0.0), make_reference("task-2", 0.3)]

    def load(fitting: Sequence[Task]) -> Sequence[TaskComparisonData]:
        assert [task.name for task in fitting] == ["task-2"]
        return references[1:]

    report = judge(make_window(), (3,), tasks, load, DriftConfig(alpha=1e-9), "task-1")
    assert brief(report) == (Verdict.KNOWN_TASK, "task-2")


def test_a_window_too_small_is_inconclusive(make_window: Any, make_task: Any) -> None:
    report = judge(make_window(rows=29), (0, 7), [make_task("task-1", DIGITS)], never, CONFIG)
    assert brief(report) == (Verdict.INCONCLUSIVE, None)
    assert report.reason == "the window has 29 rows; at least 30 are needed (drift.min_rows)"


# No task column: outputs -----------------------------------------------------------------------


@pytest.fixture
def tasks(make_task: Any) -> list[Task]:
    return [make_task("task-1", DIGITS), make_task("task-2", DIGITS)]


def test_a_window_like_the_current_task_is_stable(
    make_window: Any, tasks: list[Task], make_reference: Any
) -> None:
    references = [make_reference("task-1", 0.0, seed=4), make_reference("task-2", 3.0)]
    report = judge(make_window(), DIGITS, tasks, lambda _: references, CONFIG, "task-1")
    assert brief(report) == (Verdict.STABLE, "task-1")
    assert "still like task 'task-1'" in report.reason
    assert not report.needs_growth


def test_a_window_unlike_every_task_is_drift(
    make_window: Any, tasks: list[Task], make_reference: Any
) -> None:
    references = [make_reference("task-1", 5.0), make_reference("task-2", 3.0)]
    report = judge(
        make_window(), DIGITS, tasks, lambda _: references, CONFIG, "task-1", reserved_names=["task-3"]
    )
    assert brief(report) == (Verdict.DRIFT, "task-4")
    assert report.needs_growth
    strongest = min((s for s in report.test_results if s.task == "task-2"), key=lambda s: s.p_value)
    for number in (f"{strongest.statistic:.3g}", f"{strongest.p_value:.2g}", f"{CONFIG.alpha / 3:.2g}"):
        assert number in report.reason
    assert "even in 'task-2', the nearest, output of class 0 moved most" in report.reason


def test_a_window_like_another_task_is_a_known_task(
    make_window: Any, tasks: list[Task], make_reference: Any
) -> None:
    references = [make_reference("task-1", 3.0), make_reference("task-2", 0.0)]
    report = judge(make_window(), DIGITS, tasks, lambda _: references, CONFIG, "task-1")
    assert brief(report) == (Verdict.KNOWN_TASK, "task-2")


def test_the_current_task_is_preferred_to_a_better_match(
    make_window: Any, tasks: list[Task], make_reference: Any
) -> None:
    better = make_reference("task-2", 0.0, seed=4)
    better = replace(better, window_sample=better.reference_sample)
    references = [make_reference("task-1", 0.0, seed=4), better]
    report = judge(make_window(), DIGITS, tasks, lambda _: references, CONFIG, "task-1")
    assert report.task == "task-1"
    without_current = judge(make_window(), DIGITS, tasks, lambda _: references, CONFIG, None)
    assert brief(without_current) == (Verdict.KNOWN_TASK, "task-2")


@pytest.mark.parametrize(("fraction", "task"), [(0.9, "task-2"), (0.6, "task-1")])
def test_among_similar_tasks_it_is_the_one_that_the_router_sends_most_rows_to(
    make_window: Any, tasks: list[Task], make_reference: Any, fraction: float, task: str
) -> None:
    references = [
        replace(make_reference("task-1", 0.0, seed=4), routed_fraction=1 - fraction),
        replace(make_reference("task-2", 0.0, seed=4), routed_fraction=fraction),
    ]
    report = judge(make_window(), DIGITS, tasks, lambda _: references, CONFIG, "task-1")
    assert report.task == task
    assert ("the router sends 90% of its rows there" in report.reason) is (task == "task-2")


def test_the_router_does_not_overrule_shifted_outputs(
    make_window: Any, tasks: list[Task], make_reference: Any
) -> None:
    references = [
        replace(make_reference("task-1", 0.0, seed=4), routed_fraction=0.1),
        replace(make_reference("task-2", 3.0), routed_fraction=0.9),
    ]
    report = judge(make_window(), DIGITS, tasks, lambda _: references, CONFIG, "task-1")
    assert brief(report) == (Verdict.STABLE, "task-1")


def test_a_raw_p_value_below_alpha_is_a_warning(
    make_window: Any, tasks: list[Task], make_reference: Any
) -> None:
    def judge_shift(shift: float) -> DriftReport:
        references = [make_reference("task-1", shift)]
        return judge(make_window(), DIGITS, tasks[:1], lambda _: references, CONFIG, "task-1")

    reports = {report.verdict: report for report in map(judge_shift, np.linspace(0, 1, 21))}
    assert list(reports) == [Verdict.STABLE, Verdict.WARN, Verdict.DRIFT]
    warning = reports[Verdict.WARN]
    assert CONFIG.alpha / 3 <= min(score.p_value for score in warning.test_results) < CONFIG.alpha
    assert "close to leaving task 'task-1'" in warning.reason


def test_every_score_is_in_the_report(make_window: Any, tasks: list[Task], make_reference: Any) -> None:
    references = [make_reference("task-1", 3.0), make_reference("task-2", 0.0)]
    report = judge(make_window(), DIGITS, tasks, lambda _: references, CONFIG, "task-1")
    assert [(s.task, s.name) for s in report.test_results] == [
        (task, f"output of class {k}") for task in ("task-1", "task-2") for k in DIGITS
    ]
    assert {(s.reference_rows, s.window_rows, s.detector) for s in report.test_results} == {
        (200, 200, "output-ks")
    }
    assert report.alpha == CONFIG.alpha


def test_a_small_reference_is_inconclusive(make_window: Any, tasks: list[Task], make_reference: Any) -> None:
    references = [make_reference("task-1", 0.0, rows=29)]
    report = judge(make_window(), DIGITS, tasks[:1], lambda _: references, CONFIG, "task-1")
    assert brief(report) == (Verdict.INCONCLUSIVE, None)
    assert "'task-1': its reference has 29 rows; at least 30 are needed" in report.reason


def test_a_task_that_cannot_be_compared_prevents_drift(
    make_window: Any, tasks: list[Task], make_reference: Any
) -> None:
    unlike = [make_reference("task-1", 3.0), make_reference("task-2", 0.0, rows=2)]
    report = judge(make_window(), DIGITS, tasks, lambda _: unlike, CONFIG, "task-1")
    assert report.verdict is Verdict.INCONCLUSIVE
    alike = [make_reference("task-1", 0.0, seed=4), make_reference("task-2", 0.0, rows=2)]
    assert judge(make_window(), DIGITS, tasks, lambda _: alike, CONFIG, "task-1").verdict is Verdict.STABLE


@pytest.mark.parametrize("broken", ["reference_sample", "window_sample"])
def test_outputs_that_are_not_finite_are_inconclusive(
    broken: str, make_window: Any, tasks: list[Task], make_reference: Any
) -> None:
    reference = make_reference("task-1", 0.0)
    getattr(reference, broken).outputs[7, 1] = np.nan
    report = judge(make_window(), DIGITS, tasks[:1], lambda _: [reference], CONFIG, "task-1")
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "1 of 200" in report.reason


def test_constant_outputs_are_inconclusive(make_window: Any, tasks: list[Task], make_reference: Any) -> None:
    reference = make_reference("task-1", 0.0)
    reference.reference_sample.outputs[:] = 1 / 3
    report = judge(make_window(), DIGITS, tasks[:1], lambda _: [reference], CONFIG, "task-1")
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the same outputs" in report.reason


def test_no_reference_at_all_is_inconclusive(make_window: Any, tasks: list[Task]) -> None:
    report = judge(make_window(), DIGITS, tasks, lambda _: [], CONFIG, "task-1")
    assert (report.verdict, report.reason) == (Verdict.INCONCLUSIVE, "no task has a reference")
