"""A window matched with a known task by outputs and labels; where it is unlike all of them, by what cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.drift import DriftKind, DriftReport, Score
from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.window import Verdict
from growlearn.drift.causes import cause_of
from growlearn.drift.compare import Comparison, compare, strongest
from growlearn.drift.detectors.finding import CannotJudge
from growlearn.drift.reference import Reference

_MOST_ROWS = 2 / 3  # of a window: the router then says which of several tasks that look alike it is


def match(
    references: Sequence[Reference], opened: str, spec: DriftSpec, current: str | None = None
) -> DriftReport:
    """The report on a window by the tasks it may be of; `opened` names the task that drift would open.

    It is of a task that it cannot be told apart from and whose answers its labels do not call worse, the
    current one first.
    """
    comparisons, unjudged = _compared(references, spec)
    scores = tuple(score for comparison in comparisons for score in comparison.scores)
    alike = [comparison for comparison in comparisons if not comparison.rejected]
    sound = [comparison for comparison in alike if not comparison.harmed]
    if sound:
        return _matched(sound, current, spec, scores)
    if alike:
        return _other_relation(alike, opened, spec, scores)
    if unjudged or not comparisons:
        reason = f"cannot compare with task {'; '.join(unjudged)}" if unjudged else "no task has a reference"
        return _report(Verdict.CANNOT_JUDGE, None, reason, spec, scores)
    return _unlike(comparisons, references, opened, spec, scores)


def _compared(references: Sequence[Reference], spec: DriftSpec) -> tuple[list[Comparison], list[str]]:
    comparisons, unjudged = [], []
    for reference in references:
        try:
            comparisons.append(compare(reference, spec))
        except CannotJudge as error:
            unjudged.append(f"{reference.task!r}: {error}")
    return comparisons, unjudged


def _matched(
    sound: Sequence[Comparison], current: str | None, spec: DriftSpec, scores: tuple[Score, ...]
) -> DriftReport:
    match = next((comparison for comparison in sound if comparison.task == current), None)
    routed = _routed(sound)
    if match is None or (routed is not None and routed is not match):
        best = routed or max(sound, key=lambda comparison: comparison.p_value)
        reason = f"like task {best.task!r}: {_told(best)}"
        if best.share is not None:
            reason += f"; the router sends {best.share:.0%} of its rows there"
        return _report(Verdict.KNOWN_TASK, best.task, reason, spec, scores, of=best)
    uneasy = any(score.p_value < spec.alpha for score in match.scores)
    verdict = Verdict.WARN if uneasy else Verdict.STABLE
    opening = "still like" if not uneasy else "close to leaving"
    return _report(
        verdict, match.task, f"{opening} task {match.task!r}: {_told(match)}", spec, scores, of=match
    )


def _other_relation(
    alike: Sequence[Comparison], opened: str, spec: DriftSpec, scores: tuple[Score, ...]
) -> DriftReport:
    """Rows as they were, with other labels."""
    nearest = min(alike, key=lambda comparison: 0.0 if comparison.harm is None else comparison.harm.rise)
    told = nearest.told if nearest.harm is None else nearest.harm.told
    reason = f"looks like task {nearest.task!r}, but its labels are others: {told}"
    return _report(Verdict.DRIFT, opened, reason, spec, scores, DriftKind.RELATION)


def _unlike(
    comparisons: Sequence[Comparison],
    references: Sequence[Reference],
    opened: str,
    spec: DriftSpec,
    scores: tuple[Score, ...],
) -> DriftReport:
    """Unlike every known task: the nearest one tells in what way."""
    nearest = max(comparisons, key=lambda comparison: comparison.p_value)
    reference = next(each for each in references if each.task == nearest.task)
    cause = cause_of(reference, nearest, spec)
    far = f"unlike every known task; even in {nearest.task!r}, the nearest, {_told(nearest)}"
    if cause.verdict is Verdict.DRIFT:
        return _report(Verdict.DRIFT, opened, far, spec, scores, cause.kind)
    reason = f"{cause.reason} ({_told(nearest)})"
    if cause.verdict is Verdict.CANNOT_JUDGE:
        return _report(cause.verdict, None, reason, spec, scores, cause.kind)
    report = _report(cause.verdict, nearest.task, reason, spec, scores, cause.kind)
    carried = (
        None if nearest.carried is None else reference.carried
    )  # as it was: the window is unlike the task
    return replace(report, evidence=None if carried is None else carried.to_json())


def _routed(alike: Sequence[Comparison]) -> Comparison | None:
    """The one among tasks whose outputs look alike to which the router sends most rows by far, if any."""
    likeliest = max(alike, key=lambda comparison: comparison.share or 0.0)
    return likeliest if (likeliest.share or 0.0) >= _MOST_ROWS else None


def _told(comparison: Comparison) -> str:
    if comparison.told is not None:
        return comparison.told
    score = strongest(comparison.scores)
    relation = "below" if score.p_value < score.threshold else "not below"
    return (
        f"{score.name} moved most ({score.detector} {score.statistic:.3g}, "
        f"p {score.p_value:.2g}, {relation} {score.threshold:.2g}; "
        f"{score.window_rows} rows against {score.reference_rows})"
    )


def _report(
    verdict: Verdict,
    task: str | None,
    reason: str,
    spec: DriftSpec,
    scores: tuple[Score, ...],
    kind: DriftKind | None = None,
    of: Comparison | None = None,
) -> DriftReport:
    evidence = None if of is None or of.carried is None else of.carried.to_json()
    return DriftReport(
        verdict=verdict,
        task=task,
        reason=reason,
        alpha=spec.alpha,
        scores=scores,
        kind=kind,
        evidence=evidence,
    )
