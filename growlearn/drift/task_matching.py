"""Match a window with a known task by outputs and labels; where none matches, diagnose the drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.drift import DriftKind, DriftReport, DriftTestResult
from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.window import Verdict
from growlearn.drift.detectors.result import Inconclusive
from growlearn.drift.diagnosis import diagnose
from growlearn.drift.task_comparison import TaskComparison, compare_with_task, strongest_score
from growlearn.drift.task_data import TaskComparisonData

_MIN_ROUTED_FRACTION = 2 / 3  # of a window's rows: the router then chooses among similar tasks


def match_window(
    comparison_data: Sequence[TaskComparisonData],
    new_task: str,
    config: DriftConfig,
    current_task: str | None = None,
) -> DriftReport:
    """The report on a window, compared with its candidate tasks; `new_task` is the name drift would open.

    A window matches a task from which it has not shifted and whose error rate has not risen on its labels;
    the current task comes first.
    """
    comparisons, inconclusive = _compare_with_tasks(comparison_data, config)
    scores = tuple(score for comparison in comparisons for score in comparison.scores)
    similar = [comparison for comparison in comparisons if not comparison.shifted]
    undegraded = [comparison for comparison in similar if not comparison.degraded]
    if undegraded:
        return _match_report(undegraded, current_task, config, scores)
    if similar:
        return _concept_drift_report(similar, new_task, config, scores)
    if inconclusive or not comparisons:
        reason = (
            f"cannot compare with task {'; '.join(inconclusive)}"
            if inconclusive
            else "no task has a reference"
        )
        return _make_report(Verdict.INCONCLUSIVE, None, reason, config, scores)
    return _no_match_report(comparisons, comparison_data, new_task, config, scores)


def _compare_with_tasks(
    comparison_data: Sequence[TaskComparisonData], config: DriftConfig
) -> tuple[list[TaskComparison], list[str]]:
    comparisons, inconclusive = [], []
    for data in comparison_data:
        try:
            comparisons.append(compare_with_task(data, config))
        except Inconclusive as error:
            inconclusive.append(f"{data.task!r}: {error}")
    return comparisons, inconclusive


def _match_report(
    undegraded: Sequence[TaskComparison],
    current_task: str | None,
    config: DriftConfig,
    scores: tuple[DriftTestResult, ...],
) -> DriftReport:
    current_match = next((comparison for comparison in undegraded if comparison.task == current_task), None)
    routed_match = _most_routed(undegraded)
    if current_match is None or (routed_match is not None and routed_match is not current_match):
        best = routed_match or max(undegraded, key=lambda comparison: comparison.p_value)
        reason = f"like task {best.task!r}: {_describe(best)}"
        if best.routed_fraction is not None:
            reason += f"; the router sends {best.routed_fraction:.0%} of its rows there"
        return _make_report(Verdict.KNOWN_TASK, best.task, reason, config, scores, matched=best)
    near_threshold = any(score.p_value < config.alpha for score in current_match.scores)
    verdict = Verdict.WARN if near_threshold else Verdict.STABLE
    prefix = "still like" if not near_threshold else "close to leaving"
    return _make_report(
        verdict,
        current_match.task,
        f"{prefix} task {current_match.task!r}: {_describe(current_match)}",
        config,
        scores,
        matched=current_match,
    )


def _concept_drift_report(
    similar: Sequence[TaskComparison], new_task: str, config: DriftConfig, scores: tuple[DriftTestResult, ...]
) -> DriftReport:
    """The same inputs with other labels."""
    nearest = min(
        similar,
        key=lambda comparison: 0.0 if comparison.error_change is None else comparison.error_change.increase,
    )
    description = nearest.description if nearest.error_change is None else nearest.error_change.description
    reason = f"looks like task {nearest.task!r}, but its labels are others: {description}"
    return _make_report(Verdict.DRIFT, new_task, reason, config, scores, DriftKind.CONCEPT_DRIFT)


def _no_match_report(
    comparisons: Sequence[TaskComparison],
    comparison_data: Sequence[TaskComparisonData],
    new_task: str,
    config: DriftConfig,
    scores: tuple[DriftTestResult, ...],
) -> DriftReport:
    """Unlike every known task: the nearest one is used to diagnose the drift."""
    nearest = max(comparisons, key=lambda comparison: comparison.p_value)
    nearest_data = next(data for data in comparison_data if data.task == nearest.task)
    diagnosis = diagnose(nearest_data, nearest, config)
    no_match_reason = f"unlike every known task; even in {nearest.task!r}, the nearest, {_describe(nearest)}"
    if diagnosis.verdict is Verdict.DRIFT:
        return _make_report(Verdict.DRIFT, new_task, no_match_reason, config, scores, diagnosis.kind)
    reason = f"{diagnosis.reason} ({_describe(nearest)})"
    if diagnosis.verdict is Verdict.INCONCLUSIVE:
        return _make_report(diagnosis.verdict, None, reason, config, scores, diagnosis.kind)
    report = _make_report(diagnosis.verdict, nearest.task, reason, config, scores, diagnosis.kind)
    # The state before the window, which does not belong to the task.
    return replace(
        report, monitor_state=None if nearest.monitor_state is None else nearest_data.monitor_state
    )


def _most_routed(similar: Sequence[TaskComparison]) -> TaskComparison | None:
    """The similar task to which the router sends a clear majority of the rows, if any."""
    most_routed = max(similar, key=lambda comparison: comparison.routed_fraction or 0.0)
    return most_routed if (most_routed.routed_fraction or 0.0) >= _MIN_ROUTED_FRACTION else None


def _describe(comparison: TaskComparison) -> str:
    if comparison.description is not None:
        return comparison.description
    score = strongest_score(comparison.scores)
    relation = "below" if score.p_value < score.threshold else "not below"
    return (
        f"{score.name} moved most ({score.detector} {score.statistic:.3g}, "
        f"p {score.p_value:.2g}, {relation} {score.threshold:.2g}; "
        f"{score.window_rows} rows against {score.reference_rows})"
    )


def _make_report(
    verdict: Verdict,
    task: str | None,
    reason: str,
    config: DriftConfig,
    scores: tuple[DriftTestResult, ...],
    kind: DriftKind | None = None,
    matched: TaskComparison | None = None,
) -> DriftReport:
    return DriftReport(
        verdict=verdict,
        task=task,
        reason=reason,
        alpha=config.alpha,
        test_results=scores,
        kind=kind,
        monitor_state=None if matched is None else matched.monitor_state,
    )
