"""The table of decision rules: from a window's test results on one task to whether it has drifted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from growlearn.domain.drift import DriftTestResult, MonitorState
from growlearn.domain.drift_config import DriftConfig
from growlearn.drift.error_rate import ErrorRateChange
from growlearn.drift.sequential.alpha_budget import make_lifetime_budget
from growlearn.drift.sequential_monitor import update_monitor
from growlearn.drift.task_data import TaskComparisonData


@dataclass(frozen=True, eq=False, kw_only=True)
class DecisionInput:
    """The input of a decision rule: both samples, the detectors' results, the change of the error rate.

    `error_threshold` is the p-value below which an increase of the error rate is significant.
    """

    data: TaskComparisonData
    scores: Sequence[DriftTestResult]
    error_change: ErrorRateChange | None
    error_threshold: float


@dataclass(frozen=True, kw_only=True)
class DecisionResult:
    """Whether the rows shifted, whether the task's accuracy degraded, and the new monitor state."""

    shifted: bool
    degraded: bool
    monitor_state: MonitorState | None = None
    description: str | None = None


DecisionRule = Callable[[DecisionInput, DriftConfig], DecisionResult]


def decide_by_any_score(decision_input: DecisionInput, config: DriftConfig) -> DecisionResult:
    """Shifted where any result is significant: alpha is an error rate per window, split among its tests."""
    shifted = any(_is_significant(score, config) for score in decision_input.scores)
    return DecisionResult(shifted=shifted, degraded=_is_degraded(decision_input, config))


def decide_by_majority(decision_input: DecisionInput, config: DriftConfig) -> DecisionResult:
    """Shifted where more than half of the detectors have a significant result."""
    detectors = tuple(dict.fromkeys(score.detector for score in decision_input.scores))
    alarming = {score.detector for score in decision_input.scores if _is_significant(score, config)}
    return DecisionResult(
        shifted=2 * len(alarming) > len(detectors), degraded=_is_degraded(decision_input, config)
    )


def decide_sequentially(decision_input: DecisionInput, config: DriftConfig) -> DecisionResult:
    """Shifted where the e-process over all the task's windows says so: alpha is for the stream's lifetime.

    The detectors then only describe the change. Raises Inconclusive where the scores of either side cannot
    be compared.
    """
    data = decision_input.data
    budget = data.budget or make_lifetime_budget(config.alpha / 2)
    update = update_monitor(
        data.reference_sample,
        data.window_sample,
        data.monitor_state,
        budget,
        config.min_effect_size_or_default,
        config.min_error_increase,
        data.delayed_label_sample,
        data.reference_id,
    )
    monitor_state = replace(
        update.state, delayed_label_windows=(*update.state.delayed_label_windows, *data.delayed_label_windows)
    )
    description = update.scores.describe()
    if update.risk is not None and update.risk.alarm:
        description = update.risk.describe()
    return DecisionResult(
        shifted=update.shifted, degraded=update.degraded, monitor_state=monitor_state, description=description
    )


DECISION_RULES: Mapping[str, DecisionRule] = MappingProxyType(
    {"any": decide_by_any_score, "majority": decide_by_majority, "sequential": decide_sequentially}
)


def _is_significant(score: DriftTestResult, config: DriftConfig) -> bool:
    return score.p_value < score.threshold and score.effect_size >= config.min_effect_size_or_default


def _is_degraded(decision_input: DecisionInput, config: DriftConfig) -> bool:
    error_change = decision_input.error_change
    return (
        error_change is not None
        and error_change.p_value < decision_input.error_threshold
        and error_change.increase >= config.min_error_increase
    )
