"""The monitor state of each known task from a stream's earlier windows, for the next comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from growlearn.domain.drift import DriftReport, MonitorState
from growlearn.domain.job import Job
from growlearn.domain.lineage import Task
from growlearn.domain.validation import parse_duration_s
from growlearn.domain.window import Window
from growlearn.drift.sequential.alpha_budget import (
    AlphaBudget,
    estimate_windows_per_day,
    make_lifetime_budget,
    make_per_period_budget,
)
from growlearn.drift.task_data import TaskComparisonData

_DAY_S = 86_400


def with_monitor_state(
    comparison_data: Sequence[TaskComparisonData],
    tasks: Sequence[Task],
    references: Sequence[Task],
    earlier: Sequence[Window],
    load_report: Callable[[Window], DriftReport | None],
    job: Job,
) -> tuple[TaskComparisonData, ...]:
    """Comparison data with the monitor state of earlier windows; `load_report` loads a window's report.

    `tasks` are the known ones; `references` all that were ever opened, refined or distilled, in that order,
    so the place of a task among them numbers its reference. Half of each budget is for scores, half for
    errors.
    """
    if job.drift.decision_rule != "sequential":
        return tuple(comparison_data)
    states = load_monitor_states(tasks, references, earlier, load_report)
    numbers = {(task.name, task.version): number for number, task in enumerate(references, start=1)}
    versions = {task.name: task.version for task in tasks}
    return tuple(
        _with_state(data, states[data.task], numbers[data.task, versions[data.task]], earlier, job)
        for data in comparison_data
    )


def _with_state(
    data: TaskComparisonData,
    state: MonitorState,
    reference_number: int,
    earlier: Sequence[Window],
    job: Job,
) -> TaskComparisonData:
    """A false alarm budget is spent by the pace of windows at which its monitor started.

    A pace estimated anew in each window would be another budget each time, and restart the monitor.
    """
    pace = None
    if job.drift.false_alarm_budget is not None:
        pace = state.windows_per_day or estimate_pace(job, earlier)
    budget = make_task_budget(job, reference_number, pace)
    return replace(data, monitor_state=replace(state, windows_per_day=pace), budget=budget)


def load_monitor_states(
    tasks: Sequence[Task],
    references: Sequence[Task],
    earlier: Sequence[Window],
    load_report: Callable[[Window], DriftReport | None],
) -> Mapping[str, MonitorState]:
    """The monitor state by task: that of its newest window under the reference that it has now.

    A reference that no window was compared with has an initial state. After a rollback the earlier reference
    continues where it was: windows that opened what was rolled back were compared with no reference.
    That of a distilled task is the one before, in front of another head: labels that were read stay read.
    """
    return {task.name: _load_monitor_state(task, references, earlier, load_report) for task in tasks}


def _load_monitor_state(
    task: Task,
    references: Sequence[Task],
    earlier: Sequence[Window],
    load_report: Callable[[Window], DriftReport | None],
) -> MonitorState:
    initial = MonitorState(reference_version=task.version)
    later_versions = {
        row.version for row in references if row.name == task.name and row.version > task.version
    }  # rolled back, or they would be the task's version now
    for window in reversed(earlier):
        if window.task != task.name or not window.verdict:
            continue
        report = load_report(window)
        state = None if report is None else report.monitor_state
        if state is not None and state.reference_version == task.version:
            return state
        if window.id == task.window:
            return initial
        if state is not None and state.reference_version not in later_versions:
            return replace(initial, delayed_label_windows=state.delayed_label_windows)
    return initial


def make_task_budget(job: Job, reference_number: int, windows_per_day: float | None) -> AlphaBudget:
    """The alpha budget of the k-th reference of a stream; a task brings one where it is opened or refined.

    Where a version distils the model, each of its tasks brings one too: its head is another.

    It is alpha / (k (k + 1)), which sums to alpha over any number of references; of a false alarm budget only
    the part for unrepresentative references is so divided. Where the pace of windows is not known yet, alpha
    is spent until it is.
    """
    allowance = job.drift.false_alarm_budget
    if allowance is None or windows_per_day is None:
        return make_lifetime_budget(job.drift.alpha / (reference_number * (reference_number + 1)) / 2)
    windows_per_period = windows_per_day * parse_duration_s(allowance.period) / _DAY_S
    return make_per_period_budget(allowance.max_alarms / 2, max(1.0, windows_per_period), reference_number)


def estimate_pace(job: Job, earlier: Sequence[Window]) -> float | None:
    """Windows a day, by the schedule or those that came; None for a crontab and fewer than five windows."""
    interval = None if job.schedule.cron is not None else timedelta(seconds=job.schedule.every_s)
    return estimate_windows_per_day([window.discovered_at for window in earlier], interval)
