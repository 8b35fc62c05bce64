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
    estimate_windows_per_period,
    make_lifetime_budget,
    make_per_period_budget,
)
from growlearn.drift.task_data import TaskComparisonData


def with_monitor_state(
    comparison_data: Sequence[TaskComparisonData],
    tasks: Sequence[Task],
    earlier: Sequence[Window],
    load_report: Callable[[Window], DriftReport | None],
    job: Job,
) -> tuple[TaskComparisonData, ...]:
    """Comparison data with the monitor state of earlier windows; `load_report` loads a window's report.

    `tasks` are all known ones, oldest first. Half of each budget is for scores, half for errors. Raises
    GrowLearnError where a false alarm budget is set and the number of windows in its period is unknown.
    """
    if job.drift.decision_rule != "sequential":
        return tuple(comparison_data)
    states = load_monitor_states(earlier, load_report)
    task_numbers = {task.name: task_number for task_number, task in enumerate(tasks, start=1)}
    return tuple(
        replace(
            data,
            monitor_state=states.get(data.task, MonitorState()),
            budget=make_task_budget(job, task_numbers[data.task], earlier),
        )
        for data in comparison_data
    )


def load_monitor_states(
    earlier: Sequence[Window], load_report: Callable[[Window], DriftReport | None]
) -> Mapping[str, MonitorState]:
    """The monitor state by task: that of its newest window."""
    newest = {window.task: window for window in earlier if window.task is not None and window.verdict}
    reports = {task: load_report(window) for task, window in newest.items()}
    return {
        task: drift_report.monitor_state
        for task, drift_report in reports.items()
        if drift_report is not None and drift_report.monitor_state is not None
    }


def make_task_budget(job: Job, task_number: int, earlier: Sequence[Window]) -> AlphaBudget:
    """The alpha budget of the k-th task of a stream.

    It is alpha / (k (k + 1)), which sums to alpha over any number of tasks; a false alarm budget applies to
    the stream's current task.
    """
    allowance = job.drift.false_alarm_budget
    if allowance is None:
        return make_lifetime_budget(job.drift.alpha / (task_number * (task_number + 1)) / 2)
    interval = None if job.schedule.cron is not None else timedelta(seconds=job.schedule.every_s)
    arrival_times = [window.discovered_at for window in earlier]
    return make_per_period_budget(
        allowance.max_alarms / 2,
        estimate_windows_per_period(
            timedelta(seconds=parse_duration_s(allowance.period)), arrival_times, interval
        ),
    )
