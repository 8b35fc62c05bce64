"""When a detected drift may lead to growth: confirmation, warm-up, cool-down and budgets.

A policy never changes a verdict; it may veto the growth, by numbers of windows, growths and hours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from growlearn.domain.drift import DriftKind, RemainingBudget
from growlearn.domain.drift_config import RetrainingPolicyConfig, TrainingBudget
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.stream import WindowRecord
from growlearn.domain.validation import parse_duration_s
from growlearn.domain.window import Verdict, Window, WindowState

_DAY = timedelta(days=1)
_TRAINED_STATES = (WindowState.PROMOTED, WindowState.REJECTED, WindowState.PENDING_APPROVAL)


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """One training, whatever its outcome: for which window, when it ended, how long it took."""

    window_number: int
    ended_at: datetime
    seconds: float


def needs_training_history(config: RetrainingPolicyConfig) -> bool:
    """Whether a policy depends on earlier trainings."""
    return (
        config.cooldown_windows > 0
        or config.max_growths_per_day is not None
        or config.training_budget is not None
    )


def compute_remaining_budget(
    trainings: Sequence[TrainingRecord], config: RetrainingPolicyConfig, now: datetime
) -> RemainingBudget | None:
    """What the policy's budgets still allow; None where it has none."""
    if config.max_growths_per_day is None and config.training_budget is None:
        return None
    max_count, hours = config.max_growths_per_day, config.training_budget
    return RemainingBudget(
        growths=None if max_count is None else max(0, max_count - _count_last_day(trainings, now)),
        hours=None if hours is None else max(0.0, hours.max_hours - _spent_hours(trainings, hours, now)),
    )


def collect_trainings(
    windows: Sequence[Window], load_record: Callable[[Window], WindowRecord]
) -> tuple[TrainingRecord, ...]:
    """All trainings so far, from their windows; `load_record` loads a window's record."""
    records = ((window, load_record(window)) for window in windows if window.state in _TRAINED_STATES)
    return tuple(
        TrainingRecord(
            window_number=window.number,
            ended_at=window.updated_at,
            seconds=_training_seconds(record, record.result),
        )
        for window, record in records
        if isinstance(record.result, GrowthResult)
    )


def _training_seconds(record: WindowRecord, result: GrowthResult) -> float:
    """All training time for a window: the growth, its baselines, and the search before."""
    trials = record.plan.trials if isinstance(record.plan, GrowthPlan) else ()
    selection = record.model_selection
    candidate_seconds = result.seconds
    if selection is not None:
        candidate_seconds = sum(candidate.seconds for candidate in selection.candidates)
        candidate_seconds += selection.dropped_seconds
    return candidate_seconds + sum(trial.seconds for trial in trials)


def veto_reason(
    window: Window,
    kind: DriftKind | None,
    earlier: Sequence[Window],
    trainings: Sequence[TrainingRecord],
    config: RetrainingPolicyConfig,
    now: datetime,
) -> str | None:
    """Why this window, whose verdict needs growth, is not grown for; None where it is.

    `kind` is that of the drift, `earlier` are the stream's windows before it, in order, `trainings` all so
    far. A stream's first task is always grown. Only drift found by a test needs confirmation; a task column
    or labels that no task has are certain.
    """
    if window.verdict is Verdict.FIRST:
        return None
    judged = [
        past_window
        for past_window in earlier
        if past_window.verdict is not None and past_window.verdict is not Verdict.FULL
    ]
    return (
        _warmup_reason(judged, config)
        or _unconfirmed_reason(window, kind, judged, config)
        or _cooldown_reason(window, judged, trainings, config)
        or _training_count_reason(trainings, config, now)
        or _training_hours_reason(trainings, config, now)
    )


def _warmup_reason(judged: Sequence[Window], config: RetrainingPolicyConfig) -> str | None:
    if len(judged) >= config.warmup_windows:
        return None
    progress = f"window {len(judged)} of the first {config.warmup_windows}"
    return f"warming up: {progress} (retraining_policy.warmup_windows)"


def _unconfirmed_reason(
    window: Window, kind: DriftKind | None, judged: Sequence[Window], config: RetrainingPolicyConfig
) -> str | None:
    if window.verdict is not Verdict.DRIFT or kind is DriftKind.NEW_CLASSES:
        return None
    num_drifted = 1
    for past_window in reversed(judged):
        if past_window.verdict is not Verdict.DRIFT or num_drifted >= config.confirm_windows:
            break
        num_drifted += 1
    if num_drifted >= config.confirm_windows:
        return None
    progress = f"{num_drifted} of {config.confirm_windows} windows in a row"
    return f"drift in {progress} that confirm it (retraining_policy.confirm_windows)"


def _cooldown_reason(
    window: Window,
    judged: Sequence[Window],
    trainings: Sequence[TrainingRecord],
    config: RetrainingPolicyConfig,
) -> str | None:
    if not trainings or config.cooldown_windows == 0:
        return None
    latest_number = max(training.window_number for training in trainings)
    windows_since = sum(latest_number < past_window.number < window.number for past_window in judged)
    if windows_since >= config.cooldown_windows:
        return None
    progress = f"{windows_since} of {config.cooldown_windows} windows since the last training"
    return f"cooling down: {progress} (retraining_policy.cooldown_windows)"


def _training_count_reason(
    trainings: Sequence[TrainingRecord], config: RetrainingPolicyConfig, now: datetime
) -> str | None:
    if config.max_growths_per_day is None:
        return None
    num_recent = _count_last_day(trainings, now)
    if num_recent < config.max_growths_per_day:
        return None
    allowed = f"{config.max_growths_per_day} are allowed (retraining_policy.max_growths_per_day)"
    return f"{num_recent} trainings in the last 24 hours, {allowed}"


def _training_hours_reason(
    trainings: Sequence[TrainingRecord], config: RetrainingPolicyConfig, now: datetime
) -> str | None:
    budget = config.training_budget
    if budget is None:
        return None
    spent_hours = _spent_hours(trainings, budget, now)
    if spent_hours < budget.max_hours:
        return None
    allowed = f"{budget.max_hours:g} are allowed (retraining_policy.training_budget)"
    return f"{spent_hours:.2g} hours of training in {budget.period}, {allowed}"


def _count_last_day(trainings: Sequence[TrainingRecord], now: datetime) -> int:
    return sum(training.ended_at > now - _DAY for training in trainings)


def _spent_hours(trainings: Sequence[TrainingRecord], budget: TrainingBudget, now: datetime) -> float:
    since = now - timedelta(seconds=parse_duration_s(budget.period))
    return sum(training.seconds for training in trainings if training.ended_at > since) / 3600
