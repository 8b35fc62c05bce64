"""From one window to a verdict: the task column decides, or new labels, or the detectors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from growlearn.domain.drift import DriftKind, DriftReport
from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.lineage import Task
from growlearn.domain.schema import Label, ordered
from growlearn.domain.window import Verdict, Window
from growlearn.drift.matching import match
from growlearn.drift.naming import next_regime, next_task, regimes_of
from growlearn.drift.reference import Reference


def judge(
    window: Window,
    labels: Collection[Label],
    tasks: Sequence[Task],
    references: Callable[[Sequence[Task]], Sequence[Reference]],
    spec: DriftSpec,
    current: str | None = None,
    taken: Collection[str] = (),
    rare: Collection[Label] = (),
) -> DriftReport:
    """The verdict on one window, with its reason and every score.

    labels are the window's distinct known labels, rare those of too few rows to speak for a class;
    tasks those the model knows, oldest first; references is asked only for tasks whose outputs must be
    compared; current names the task the stream was in before; taken holds names of tasks that may not
    be opened again (those rolled back). The report's task is the matched one, or the one to open.
    """
    report = _judge(window, labels, tasks, references, spec, current, taken)
    if not rare:
        return report
    told = ", ".join(str(label) for label in ordered(rare))
    return replace(report, reason=f"{report.reason}; too few rows to speak for a class: {told}")


def _judge(
    window: Window,
    labels: Collection[Label],
    tasks: Sequence[Task],
    references: Callable[[Sequence[Task]], Sequence[Reference]],
    spec: DriftSpec,
    current: str | None,
    taken: Collection[str],
) -> DriftReport:
    if not tasks:
        name = next_task(taken) if window.task is None else _free(window.task, taken)
        return _report(Verdict.FIRST, name, f"no task is known yet: this window opens {name!r}", spec)
    if window.task is not None:
        return _judge_by_column(window.task, ordered(labels), tasks, taken, spec)
    if window.rows < spec.min_rows:
        reason = f"the window has {window.rows} rows; at least {spec.min_rows} are needed (drift.min_rows)"
        return _report(Verdict.CANNOT_JUDGE, None, reason, spec)
    fitting = [task for task in tasks if set(labels) <= set(task.classes)]
    if not fitting:
        name = next_task({*taken, *(task.name for task in tasks)})
        return _new_classes(name, _unknown_labels(ordered(labels), tasks), spec)
    opened = next_task({*taken, *(task.name for task in tasks)})
    return match(references(fitting), opened, spec, current)


def _judge_by_column(
    name: str, labels: tuple[Label, ...], tasks: Sequence[Task], taken: Collection[str], spec: DriftSpec
) -> DriftReport:
    regimes = regimes_of(name, tasks)
    if not regimes:
        known = ", ".join(repr(task.name) for task in tasks)
        reason = f"the task column names {name!r}, which is not among the known tasks ({known})"
        return _report(Verdict.NEW_TASK, _free(name, taken), reason, spec)
    for task in regimes:
        if set(labels) <= set(task.classes):
            reason = f"the task column names {name!r}, and {task.name!r} knows its classes"
            return _report(Verdict.KNOWN_TASK, task.name, reason, spec)
    opened = next_regime(name, {*taken, *(task.name for task in tasks)})
    return _new_classes(opened, _unknown_labels(labels, regimes), spec)


def _free(name: str, taken: Collection[str]) -> str:
    return next_regime(name, taken) if name in taken else name


def _unknown_labels(labels: Sequence[Label], tasks: Sequence[Task]) -> str:
    known = {label for task in tasks for label in task.classes}
    new = [str(label) for label in labels if label not in known]
    if new:
        return f"new classes: {', '.join(new)}"
    return f"no known task has the classes {', '.join(str(label) for label in labels)} together"


def _new_classes(name: str, reason: str, spec: DriftSpec) -> DriftReport:
    return replace(_report(Verdict.DRIFT, name, reason, spec), kind=DriftKind.NEW_CLASSES)


def _report(verdict: Verdict, task: str | None, reason: str, spec: DriftSpec) -> DriftReport:
    return DriftReport(verdict=verdict, task=task, reason=reason, alpha=spec.alpha)
