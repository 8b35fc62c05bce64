"""When a drift that was found may be grown for: confirmation, warm-up, cool-down and budgets.

A policy never changes a verdict; it says why nothing is grown for it, in windows, growths and hours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from growlearn.domain.drift import BudgetLeft, DriftKind
from growlearn.domain.drift_spec import HoursBudget, PolicySpec
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.keys import duration_s
from growlearn.domain.stream import WindowRecord
from growlearn.domain.window import Verdict, Window, WindowState

_DAY = timedelta(days=1)
_TRAINED = (WindowState.PROMOTED, WindowState.REJECTED, WindowState.HELD)


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training, whatever became of it: for which window, when it ended, how long it took."""

    window: int
    at: datetime
    seconds: float


def asks_for_trainings(spec: PolicySpec) -> bool:
    """Whether a policy needs to know of earlier trainings at all."""
    return spec.cool_down > 0 or spec.growths_per_day is not None or spec.training_hours is not None


def budget_left(trainings: Sequence[Training], spec: PolicySpec, now: datetime) -> BudgetLeft | None:
    """What the policy's budgets still allow; None where it sets none."""
    if spec.growths_per_day is None and spec.training_hours is None:
        return None
    count, hours = spec.growths_per_day, spec.training_hours
    return BudgetLeft(
        growths=None if count is None else max(0, count - _lately(trainings, now)),
        hours=None if hours is None else max(0.0, hours.at_most - _spent_hours(trainings, hours, now)),
    )


def trainings_of(windows: Sequence[Window], record: Callable[[Window], WindowRecord]) -> tuple[Training, ...]:
    """The trainings there were, by the windows they were for; `record` gives what is stored of one."""
    found = ((window, record(window)) for window in windows if window.state in _TRAINED)
    return tuple(
        Training(window=window.number, at=window.updated_at, seconds=_seconds(stored, stored.result))
        for window, stored in found
        if isinstance(stored.result, GrowthResult)
    )


def _seconds(record: WindowRecord, result: GrowthResult) -> float:
    """All that was trained for a window: the growth, what it was compared with, and what was tried before."""
    trials = record.plan.trials if isinstance(record.plan, GrowthPlan) else ()
    compared = () if record.worth is None else record.worth.contenders
    trained = sum(each.seconds for each in compared) if compared else result.seconds
    return trained + sum(trial.seconds for trial in trials)


def refusal(
    window: Window,
    kind: DriftKind | None,
    earlier: Sequence[Window],
    trainings: Sequence[Training],
    spec: PolicySpec,
    now: datetime,
) -> str | None:
    """Why this window, whose verdict calls for growth, is not grown for; None where it is.

    `kind` says what drifted, `earlier` are the stream's windows before it, in order, `trainings` all there
    were. A stream's first task is always grown. Confirmation is asked of drift that a test found, not of a
    task column or of labels that no task has: those are certain.
    """
    if window.verdict is Verdict.FIRST:
        return None
    judged = [each for each in earlier if each.verdict is not None and each.verdict is not Verdict.FULL]
    return (
        _warming_up(judged, spec)
        or _unconfirmed(window, kind, judged, spec)
        or _cooling_down(window, judged, trainings, spec)
        or _over_count(trainings, spec, now)
        or _over_hours(trainings, spec, now)
    )


def _warming_up(judged: Sequence[Window], spec: PolicySpec) -> str | None:
    if len(judged) >= spec.warm_up:
        return None
    return f"warming up: window {len(judged)} of the first {spec.warm_up} (policy.warm_up)"


def _unconfirmed(
    window: Window, kind: DriftKind | None, judged: Sequence[Window], spec: PolicySpec
) -> str | None:
    if window.verdict is not Verdict.DRIFT or kind is DriftKind.NEW_CLASSES:
        return None
    alike = 1
    for each in reversed(judged):
        if each.verdict is not Verdict.DRIFT or alike >= spec.confirm:
            break
        alike += 1
    if alike >= spec.confirm:
        return None
    return f"drift in {alike} of {spec.confirm} windows in a row that confirm it (policy.confirm)"


def _cooling_down(
    window: Window, judged: Sequence[Window], trainings: Sequence[Training], spec: PolicySpec
) -> str | None:
    if not trainings or spec.cool_down == 0:
        return None
    latest = max(training.window for training in trainings)
    since = sum(latest < each.number < window.number for each in judged)
    if since >= spec.cool_down:
        return None
    return f"cooling down: {since} of {spec.cool_down} windows since the last training (policy.cool_down)"


def _over_count(trainings: Sequence[Training], spec: PolicySpec, now: datetime) -> str | None:
    if spec.growths_per_day is None:
        return None
    lately = _lately(trainings, now)
    if lately < spec.growths_per_day:
        return None
    allowed = f"{spec.growths_per_day} are allowed (policy.growths_per_day)"
    return f"{lately} trainings in the last 24 hours, {allowed}"


def _over_hours(trainings: Sequence[Training], spec: PolicySpec, now: datetime) -> str | None:
    budget = spec.training_hours
    if budget is None:
        return None
    spent = _spent_hours(trainings, budget, now)
    if spent < budget.at_most:
        return None
    allowed = f"{budget.at_most:g} are allowed (policy.training_hours)"
    return f"{spent:.2g} hours of training in {budget.per}, {allowed}"


def _lately(trainings: Sequence[Training], now: datetime) -> int:
    return sum(training.at > now - _DAY for training in trainings)


def _spent_hours(trainings: Sequence[Training], budget: HoursBudget, now: datetime) -> float:
    since = now - timedelta(seconds=duration_s(budget.per))
    return sum(training.seconds for training in trainings if training.at > since) / 3600
