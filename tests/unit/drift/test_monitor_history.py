"""The monitor state of earlier windows, for the next comparison."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from growlearn.domain.drift import DriftReport, EProcess, MonitorState
from growlearn.domain.drift_config import DriftConfig, FalseAlarmBudget
from growlearn.domain.job import Job, Schedule, SourceConfig
from growlearn.domain.lineage import Task
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.monitor_history import (
    estimate_pace,
    load_monitor_states,
    make_task_budget,
    with_monitor_state,
)
from growlearn.drift.sample import Sample
from growlearn.drift.task_data import TaskComparisonData

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job(**drift: Any) -> Job:
    schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
    return Job(
        name="s",
        source=SourceConfig(url="u"),
        schema=schema,
        drift=DriftConfig(decision_rule="sequential", **drift),
    )


def windows(*tasks: str | None) -> list[Window]:
    return [
        Window(
            stream="s",
            number=number,
            state=WindowState.SKIPPED,
            source="f",
            discovered_at=NOW + timedelta(hours=number),
            updated_at=NOW,
            task=task,
            verdict=Verdict.STABLE,
        )
        for number, task in enumerate(tasks, start=1)
    ]


def make_state(windows_so_far: int, version: int = 1) -> MonitorState:
    scores = EProcess(fingerprint="r", num_windows=windows_so_far)
    return MonitorState(scores=scores, reference_version=version)


def make_report(window: Window) -> DriftReport:
    state = make_state(window.number) if window.number != 4 else None
    return DriftReport(verdict=Verdict.STABLE, task=window.task, reason="", alpha=0.05, monitor_state=state)


def make_task(name: str, version: int = 1) -> Task:
    return Task(
        stream="s", name=name, classes=(0, 1), lineage=("b1",), head="h", holdout="o", reference_rows="r",
        window="w1", version=version,
    )  # fmt: skip


def make_comparison_data(task: str) -> TaskComparisonData:
    rows = Sample(
        outputs=np.ones((1, 1)), features=np.ones((1, 1)), inputs={}, kinds={}, targets=np.array([-1])
    )
    return TaskComparisonData(task=task, reference_sample=rows, window_sample=rows)


A, B = make_task("a"), make_task("b")


def test_a_task_continues_from_its_own_newest_window() -> None:
    states = load_monitor_states([A, B], [A, B], windows("a", "b", "a"), make_report)
    assert states == {"a": make_state(3), "b": make_state(2)}


def test_comparison_data_gets_its_state_and_budget() -> None:
    (data,) = with_monitor_state(
        [make_comparison_data("b")], [A, B], [A, B], windows("b"), make_report, job()
    )
    assert data.monitor_state == make_state(1)
    assert data.budget == make_task_budget(job(), 2, None)


def test_other_decision_rules_have_no_state() -> None:
    plain = replace(job(), drift=DriftConfig())
    (data,) = with_monitor_state([make_comparison_data("a")], [A], [A], windows("a"), make_report, plain)
    assert data.monitor_state == MonitorState()
    assert data.budget is None


def test_a_refined_task_starts_a_new_reference_with_a_budget_of_its_own() -> None:
    refined = make_task("a", version=3)
    (data,) = with_monitor_state(
        [make_comparison_data("a")], [refined, B], [A, B, refined], windows("a", "b", "a"), make_report, job()
    )
    assert data.monitor_state == MonitorState(reference_version=3)
    assert data.budget == make_task_budget(job(), 3, None)


@pytest.mark.parametrize(("window", "read_before"), [("w9", (1, 2)), ("w3", ())])
def test_a_distilled_task_does_not_read_late_labels_again(window: str, read_before: tuple[int, ...]) -> None:
    """Its reference rows are the ones before, unlike those of a task that window 3 refined."""
    newer = replace(make_task("a", version=3), window=window)

    def load_report(window: Window) -> DriftReport:
        state = replace(make_state(window.number), delayed_label_windows=(1, 2), windows_per_day=9.0)
        return DriftReport(verdict=Verdict.STABLE, task="a", reason="", alpha=0.05, monitor_state=state)

    states = load_monitor_states([newer], [A, newer], windows("a", "a", "a"), load_report)
    assert states == {"a": MonitorState(reference_version=3, delayed_label_windows=read_before)}


def test_after_a_rollback_the_earlier_reference_continues_where_it_was() -> None:
    """Windows 1 to 3 were compared with version 1's reference, 4 and 5 with that of version 2."""
    rolled_back = make_task("a", version=2)

    def load_report(window: Window) -> DriftReport:
        version = 1 if window.number <= 3 else 2
        state = make_state(window.number, version)
        return DriftReport(
            verdict=Verdict.STABLE, task=window.task, reason="", alpha=0.05, monitor_state=state
        )

    earlier = windows("a", "a", "a", "a", "a")
    (data,) = with_monitor_state(
        [make_comparison_data("a")], [A], [A, rolled_back], earlier, load_report, job()
    )
    assert data.monitor_state == make_state(3)
    assert data.budget == make_task_budget(job(), 1, None)


def test_alpha_is_spent_once_over_all_references_and_both_e_processes() -> None:
    budgets = [make_task_budget(job(alpha=0.05), number, None) for number in range(1, 2000)]
    spent = 2 * sum(
        budget.reference_alpha + budget.sequential_alpha + budget.single_window_alpha for budget in budgets
    )
    assert 0.0499 < spent < 0.05


def make_budgeted(schedule: Schedule) -> Job:
    return replace(job(false_alarm_budget=FalseAlarmBudget(max_alarms=1, period="30d")), schedule=schedule)


def test_the_windows_of_a_period_come_from_the_schedule_or_the_history() -> None:
    hourly, nightly = make_budgeted(Schedule(every="1h")), make_budgeted(Schedule(cron="0 3 * * *"))
    for known, earlier in ((hourly, []), (nightly, windows(*["a"] * 6))):
        budget = make_task_budget(known, 1, estimate_pace(known, earlier))
        assert budget.windows_per_period == pytest.approx(720)
    assert estimate_pace(nightly, []) is None
    assert make_task_budget(nightly, 1, None) == make_task_budget(job(), 1, None)  # alpha, until it is known


def test_the_pace_is_fixed_when_a_monitor_starts() -> None:
    """Else each window would give another budget, and restart the monitor."""
    nightly = make_budgeted(Schedule(cron="0 3 * * *"))

    def load_report(window: Window) -> DriftReport:
        state = replace(make_state(window.number), windows_per_day=2.0)
        return DriftReport(
            verdict=Verdict.STABLE, task=window.task, reason="", alpha=0.05, monitor_state=state
        )

    budgets = []
    for count in (6, 7, 9):
        (data,) = with_monitor_state(
            [make_comparison_data("a")], [A], [A], windows(*["a"] * count), load_report, nightly
        )
        assert data.monitor_state.windows_per_day == 2.0
        assert data.budget is not None
        budgets.append(data.budget.windows_per_period)
    assert budgets == [60.0] * 3


def test_a_window_that_opened_what_was_rolled_back_does_not_end_the_search() -> None:
    """It had no reference of its own; the opening window of the version itself does."""
    rolled_back = make_task("a", version=2)

    def load_report(window: Window) -> DriftReport:
        state = None if window.number in (1, 4) else make_state(window.number)
        return DriftReport(
            verdict=Verdict.DRIFT, task=window.task, reason="", alpha=0.05, monitor_state=state
        )

    earlier = windows("a", "a", "a", "a")
    states = load_monitor_states([A], [A, rolled_back], earlier, load_report)
    assert states == {"a": make_state(3)}
    assert load_monitor_states([A], [A], earlier[:1], load_report) == {"a": MonitorState(reference_version=1)}
