"""The verdict on one window: from the task column, new labels, or the detectors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from growlearn.domain.drift import DriftKind, DriftReport
from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.lineage import Task
from growlearn.domain.printable import list_names, plain_name
from growlearn.domain.schema import Label, sort_labels
from growlearn.domain.window import Verdict, Window
from growlearn.drift.task_data import TaskComparisonData
from growlearn.drift.task_matching import match_window
from growlearn.drift.task_names import find_task_versions, next_task_name, next_task_version_name


def judge(
    window: Window,
    labels: Collection[Label],
    tasks: Sequence[Task],
    load_comparison_data: Callable[[Sequence[Task]], Sequence[TaskComparisonData]],
    config: DriftConfig,
    current_task: str | None = None,
    reserved_names: Collection[str] = (),
    rare_labels: Collection[Label] = (),
) -> DriftReport:
    """The verdict on one window, with its reason and every test result.

    `labels` are the window's distinct known labels, `rare_labels` those with too few rows to count as a
    class. `tasks` are those of the model, oldest first; `load_comparison_data` is called only for tasks whose
    outputs are compared. `current_task` is the stream's task before this window; `reserved_names` are those
    of rolled-back tasks, which may not be opened again. The report's task is the matched one, or the one to
    open.
    """
    report = _judge_window(window, labels, tasks, load_comparison_data, config, current_task, reserved_names)
    if not rare_labels:
        return report
    rare_text = list_names(sort_labels(rare_labels), plain_name)
    return replace(report, reason=f"{report.reason}; too few rows to speak for a class: {rare_text}")


def _judge_window(
    window: Window,
    labels: Collection[Label],
    tasks: Sequence[Task],
    load_comparison_data: Callable[[Sequence[Task]], Sequence[TaskComparisonData]],
    config: DriftConfig,
    current_task: str | None,
    reserved_names: Collection[str],
) -> DriftReport:
    if not tasks:
        name = (
            next_task_name(reserved_names)
            if window.task is None
            else _unreserved_name(window.task, reserved_names)
        )
        return _make_report(Verdict.FIRST, name, f"no task is known yet: this window opens {name!r}", config)
    if window.task is not None:
        return _judge_by_task_column(window.task, sort_labels(labels), tasks, reserved_names, config)
    if window.rows < config.min_rows:
        reason = f"the window has {window.rows} rows; at least {config.min_rows} are needed (drift.min_rows)"
        return _make_report(Verdict.INCONCLUSIVE, None, reason, config)
    candidates = [task for task in tasks if set(labels) <= set(task.classes)]
    if not candidates:
        name = next_task_name({*reserved_names, *(task.name for task in tasks)})
        return _new_classes_report(name, _describe_unknown_labels(sort_labels(labels), tasks), config)
    new_task = next_task_name({*reserved_names, *(task.name for task in tasks)})
    return match_window(load_comparison_data(candidates), new_task, config, current_task)


def _judge_by_task_column(
    name: str,
    labels: tuple[Label, ...],
    tasks: Sequence[Task],
    reserved_names: Collection[str],
    config: DriftConfig,
) -> DriftReport:
    versions = find_task_versions(name, tasks)
    if not versions:
        known_names = list_names(task.name for task in tasks)
        reason = f"the task column names {name!r}, which is not among the known tasks ({known_names})"
        return _make_report(Verdict.NEW_TASK, _unreserved_name(name, reserved_names), reason, config)
    for task in versions:
        if set(labels) <= set(task.classes):
            reason = f"the task column names {name!r}, and {task.name!r} knows its classes"
            return _make_report(Verdict.KNOWN_TASK, task.name, reason, config)
    new_task = next_task_version_name(name, {*reserved_names, *(task.name for task in tasks)})
    return _new_classes_report(new_task, _describe_unknown_labels(labels, versions), config)


def _unreserved_name(name: str, reserved_names: Collection[str]) -> str:
    return next_task_version_name(name, reserved_names) if name in reserved_names else name


def _describe_unknown_labels(labels: Sequence[Label], tasks: Sequence[Task]) -> str:
    known_labels = {label for task in tasks for label in task.classes}
    new_labels = [label for label in labels if label not in known_labels]
    if new_labels:
        return f"new classes: {list_names(new_labels, plain_name)}"
    return f"no known task has the classes {list_names(labels, plain_name)} together"


def _new_classes_report(name: str, reason: str, config: DriftConfig) -> DriftReport:
    return replace(_make_report(Verdict.DRIFT, name, reason, config), kind=DriftKind.NEW_CLASSES)


def _make_report(verdict: Verdict, task: str | None, reason: str, config: DriftConfig) -> DriftReport:
    return DriftReport(verdict=verdict, task=task, reason=reason, alpha=config.alpha)
