"""Compare one window with one known task's reference, by every detector of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from growlearn.domain.drift import DriftTestResult, MonitorState
from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.errors import NotFound
from growlearn.drift.decision_rules import DECISION_RULES, DecisionInput
from growlearn.drift.detectors import DETECTORS
from growlearn.drift.detectors.result import Detector, DetectorResult, Inconclusive
from growlearn.drift.error_rate import ErrorRateChange, compare_error_rates
from growlearn.drift.task_data import TaskComparisonData


@dataclass(frozen=True, kw_only=True)
class TaskComparison:
    """Every test result of a window against one task; `p_value` is the smallest, corrected for their number.

    By the job's decision rule, `shifted` says that its rows differ from the task's, `degraded` that the
    task's error rate rose on its labels. `monitor_state` is the new state if the window belongs to the task.
    """

    task: str
    scores: tuple[DriftTestResult, ...]
    p_value: float
    shifted: bool
    degraded: bool = False
    error_change: ErrorRateChange | None = None
    routed_fraction: float | None = None
    monitor_state: MonitorState | None = None
    description: str | None = None


def compare_with_task(data: TaskComparisonData, config: DriftConfig) -> TaskComparison:
    """Run the job's detectors, alpha split evenly among them and, where rows have labels, their errors.

    Raises Inconclusive where either side is too small or a detector cannot compare them, NotFound for a
    detector that is not in the table.
    """
    for side, sample in (("its reference", data.reference_sample), ("the window", data.window_sample)):
        if len(sample) < config.min_rows:
            raise Inconclusive(
                f"{side} has {len(sample)} rows; at least {config.min_rows} are needed (drift.min_rows)"
            )
    names = tuple(dict.fromkeys(config.detectors))  # a detector named twice runs once
    error_change = compare_error_rates(data.reference_sample, data.window_sample, config.min_rows)
    alpha = config.alpha / (len(names) + (error_change is not None))
    scores = tuple(
        _make_score(name, result, data)
        for name in names
        for result in get_detector(name)(data.reference_sample, data.window_sample, alpha)
    )
    decision_input = DecisionInput(data=data, scores=scores, error_change=error_change, error_threshold=alpha)
    decision = DECISION_RULES[config.decision_rule](decision_input, config)
    error_scores = () if error_change is None else (_make_error_rate_score(error_change, alpha, data.task),)
    corrected_p_value = min(score.p_value * config.alpha / score.threshold for score in scores)
    return TaskComparison(
        task=data.task,
        scores=(*scores, *error_scores),
        p_value=min(1.0, corrected_p_value),
        shifted=decision.shifted,
        degraded=decision.degraded,
        error_change=error_change,
        routed_fraction=data.routed_fraction,
        monitor_state=decision.monitor_state,
        description=decision.description,
    )


def get_detector(name: str) -> Detector:
    """A detector by its name in a job file; raises NotFound with the most similar name."""
    if name in DETECTORS:
        return DETECTORS[name]
    closest = get_close_matches(name, DETECTORS, n=1)
    hint = f"did you mean {closest[0]!r}?" if closest else f"known detectors: {', '.join(DETECTORS)}"
    raise NotFound(f"there is no drift detector {name!r}", hint=hint)


def strongest_score(scores: Sequence[DriftTestResult]) -> DriftTestResult:
    """The most significant result, each p-value relative to its threshold."""
    return min(scores, key=lambda score: (score.p_value / score.threshold, -score.statistic))


def _make_error_rate_score(error_change: ErrorRateChange, threshold: float, task: str) -> DriftTestResult:
    return DriftTestResult(
        detector="errors",
        task=task,
        name="error rate",
        statistic=error_change.window_errors / error_change.window_rows,
        p_value=error_change.p_value,
        threshold=threshold,
        reference_rows=error_change.reference_rows,
        window_rows=error_change.window_rows,
        effect_size=error_change.increase,
    )


def _make_score(detector_name: str, result: DetectorResult, data: TaskComparisonData) -> DriftTestResult:
    return DriftTestResult(
        detector=detector_name,
        task=data.task,
        name=result.name,
        statistic=result.statistic,
        p_value=result.p_value,
        threshold=result.threshold,
        reference_rows=len(data.reference_sample),
        window_rows=len(data.window_sample),
        effect_size=result.effect,
    )
