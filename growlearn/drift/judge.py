"""From one window to a verdict: the task column decides, or new labels, or the detectors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from growlearn.domain.drift import DriftReport, Score
from growlearn.domain.job import DriftSpec
from growlearn.domain.lineage import Task
from growlearn.domain.schema import Label, ordered
from growlearn.domain.window import Verdict, Window
from growlearn.drift.compare import Comparison, Reference, compare, strongest
from growlearn.drift.detectors.finding import CannotJudge
from growlearn.drift.naming import next_regime, next_task, regimes_of

_MOST_ROWS = 2 / 3  # of a window: the router then says which of several tasks that look alike it is


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
        return _report(Verdict.DRIFT, name, _unknown_labels(ordered(labels), tasks), spec)
    return _judge_by_outputs(tasks, references(fitting), spec, current, taken)


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
    return _report(Verdict.DRIFT, opened, _unknown_labels(labels, regimes), spec)


def _judge_by_outputs(
    tasks: Sequence[Task],
    references: Sequence[Reference],
    spec: DriftSpec,
    current: str | None,
    taken: Collection[str],
) -> DriftReport:
    """Match the window with a fitting task whose reference it cannot be told apart from."""
    comparisons: list[Comparison] = []
    unjudged: list[str] = []
    for reference in references:
        try:
            comparisons.append(compare(reference, spec))
        except CannotJudge as error:
            unjudged.append(f"{reference.task!r}: {error}")
    scores = tuple(score for comparison in comparisons for score in comparison.scores)
    alike = [comparison for comparison in comparisons if not comparison.rejected]
    if alike:
        return _matched(alike, current, spec, scores)
    if unjudged or not comparisons:
        reason = f"cannot compare with task {'; '.join(unjudged)}" if unjudged else "no task has a reference"
        return _report(Verdict.CANNOT_JUDGE, None, reason, spec, scores)
    nearest = max(comparisons, key=lambda comparison: comparison.p_value)
    name = next_task({*taken, *(task.name for task in tasks)})
    reason = f"unlike every known task; even in {nearest.task!r}, the nearest, {_told(nearest.scores)}"
    return _report(Verdict.DRIFT, name, reason, spec, scores)


def _matched(
    alike: Sequence[Comparison], current: str | None, spec: DriftSpec, scores: tuple[Score, ...]
) -> DriftReport:
    match = next((comparison for comparison in alike if comparison.task == current), None)
    routed = _routed(alike)
    if match is None or (routed is not None and routed is not match):
        best = routed or max(alike, key=lambda comparison: comparison.p_value)
        reason = f"like task {best.task!r}: {_told(best.scores)}"
        if best.share is not None:
            reason += f"; the router sends {best.share:.0%} of its rows there"
        return _report(Verdict.KNOWN_TASK, best.task, reason, spec, scores)
    uneasy = any(score.p_value < spec.alpha for score in match.scores)
    verdict = Verdict.WARN if uneasy else Verdict.STABLE
    opening = "still like" if not uneasy else "close to leaving"
    return _report(verdict, match.task, f"{opening} task {match.task!r}: {_told(match.scores)}", spec, scores)


def _routed(alike: Sequence[Comparison]) -> Comparison | None:
    """The one among tasks whose outputs look alike to which the router sends most rows by far, if any."""
    likeliest = max(alike, key=lambda comparison: comparison.share or 0.0)
    return likeliest if (likeliest.share or 0.0) >= _MOST_ROWS else None


def _free(name: str, taken: Collection[str]) -> str:
    return next_regime(name, taken) if name in taken else name


def _told(scores: Sequence[Score]) -> str:
    score = strongest(scores)
    relation = "below" if score.p_value < score.threshold else "not below"
    return (
        f"{score.name} moved most ({score.detector} {score.statistic:.3g}, "
        f"p {score.p_value:.2g}, {relation} {score.threshold:.2g}; "
        f"{score.window_rows} rows against {score.reference_rows})"
    )


def _unknown_labels(labels: Sequence[Label], tasks: Sequence[Task]) -> str:
    known = {label for task in tasks for label in task.classes}
    new = [str(label) for label in labels if label not in known]
    if new:
        return f"new classes: {', '.join(new)}"
    return f"no known task has the classes {', '.join(str(label) for label in labels)} together"


def _report(
    verdict: Verdict, task: str | None, reason: str, spec: DriftSpec, scores: tuple[Score, ...] = ()
) -> DriftReport:
    return DriftReport(verdict=verdict, task=task, reason=reason, alpha=spec.alpha, scores=scores)
