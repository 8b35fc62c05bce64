"""How strong a window's evidence of drift is, and from where on it is an alarm, both as powers of ten."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from growlearn.domain.drift import DriftReport, DriftTestResult, EProcess
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import Job
from growlearn.domain.lineage import Task
from growlearn.domain.window import Window

_SMALLEST_P = 1e-300
_LN_10 = math.log(10)


@dataclass(frozen=True, kw_only=True)
class WindowEvidence:
    """The evidence on one window.

    `value` is -log10 of the strongest test's p-value, and `alarm` that of the threshold below which it is
    significant; for decision_rule sequential log10 of the evidence so far, and of that which is an alarm.
    Both are None where nothing was tested. `strongest` is that test, against the window's own task or else
    the nearest.
    """

    window: str
    verdict: str
    task: str | None
    reason: str | None
    value: float | None = None
    alarm: float | None = None
    strongest: DriftTestResult | None = None


def read_evidence(
    windows: Sequence[Window], reports: Mapping[str, DriftReport], job: Job, tasks: Sequence[Task]
) -> tuple[WindowEvidence, ...]:
    """The evidence on windows that were judged; `tasks` are all that were ever opened or refined."""
    judged = [window for window in windows if window.verdict is not None]
    return tuple(_read_window(window, reports.get(window.id), job, tasks) for window in judged)


def _read_window(
    window: Window, report: DriftReport | None, job: Job, tasks: Sequence[Task]
) -> WindowEvidence:
    strongest = None if report is None else find_strongest(report)
    value = alarm = None
    if report is not None and report.monitor_state is not None:
        value = _read_log_evidence((report.monitor_state.scores, report.monitor_state.risk))
        alarm = _find_sequential_alarm(report, job, tasks)
    elif strongest is not None:
        value = -math.log10(max(strongest.p_value, _SMALLEST_P))
        alarm = -math.log10(strongest.threshold)
    return WindowEvidence(
        window=window.id,
        verdict=window.verdict.value if window.verdict is not None else "",
        task=window.task,
        reason=window.reason if report is None else report.reason,
        value=None if value is None else max(0.0, value),
        alarm=alarm,
        strongest=strongest,
    )


def find_strongest(report: DriftReport) -> DriftTestResult | None:
    """The most significant result against the report's task, each p-value relative to its threshold.

    Where the window belongs to no known task, that against the nearest one: drift is to be unlike every task.
    None where no result has a p-value.
    """
    by_task: dict[str, DriftTestResult] = {}
    for result in report.test_results:
        if math.isfinite(result.p_value) and result.threshold > 0:
            by_task[result.task] = min(by_task.get(result.task, result), result, key=_significance)
    nearest = max(by_task.values(), key=_significance, default=None)
    return nearest if report.task is None else by_task.get(report.task, nearest)


def _significance(result: DriftTestResult) -> float:
    return result.p_value / result.threshold


def _read_log_evidence(processes: Sequence[EProcess | None]) -> float | None:
    known = [process for process in processes if process is not None and process.log_wealth]
    logs = [_log_mean_exp(process.log_wealth) for process in known]
    return max(logs) / _LN_10 if logs else None


def _log_mean_exp(values: Sequence[float]) -> float:
    largest = max(values)
    return largest + math.log(sum(math.exp(value - largest) for value in values) / len(values))


def _find_sequential_alarm(report: DriftReport, job: Job, tasks: Sequence[Task]) -> float | None:
    """The alarm line of the reference that the window was compared with; None where it is not known."""
    from growlearn.drift.monitor_history import make_task_budget

    assert report.monitor_state is not None
    reference = (report.task, report.monitor_state.reference_version)
    numbers = {(task.name, task.version): number for number, task in enumerate(tasks, start=1)}
    if reference not in numbers:
        return None
    try:
        pace = report.monitor_state.windows_per_day
        return make_task_budget(job, numbers[reference], pace).log_threshold / _LN_10
    except GrowLearnError:
        return None
