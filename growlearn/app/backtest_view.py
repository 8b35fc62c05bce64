"""The result of a backtest as plain data with the documented keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from growlearn.app.backtest import BacktestResult
from growlearn.domain.backtest import DriftEvent, Replay, WindowReplay
from growlearn.domain.metric import MetricName

BacktestView = Mapping[str, Any]


def backtest_view(backtest: BacktestResult) -> BacktestView:
    """A whole backtest: its inputs and settings, and `policies`."""
    return {
        "stream": backtest.job.name,
        "started_from": backtest.started_from,
        "epochs": backtest.job.growth.max_epochs,
        "seconds_per_row": backtest.seconds_per_row,
        "seconds_per_row_source": _cost_source(backtest),
        "period": backtest.period,
        "regime_column": backtest.regime_column,
        "policies": [
            _policy_view(replay, has_regimes=backtest.regime_column is not None)
            for replay in backtest.replays
        ],
    }


def _cost_source(backtest: BacktestResult) -> str | None:
    if backtest.seconds_per_row is None:
        return None
    return "recorded trainings" if backtest.cost_is_recorded else "measured here"


def _policy_view(replay: Replay, *, has_regimes: bool) -> BacktestView:
    detection = {
        "changes": [_drift_event_view(change) for change in replay.drift_events],
        "mean_delay": replay.mean_delay,
        "missed": replay.missed,
        "false_alarms": replay.false_alarms,
        "recurrences": replay.recurrences,
        "recurrences_detected": replay.recurrences_detected,
    }
    return {
        "policy": replay.policy,
        "windows": len(replay.windows),
        "alarms": replay.alarms,
        "trainings": replay.trainings,
        "hours": replay.training_hours,
        "accuracy": replay.accuracy,
        "labelled_rows": replay.labelled,
        **(detection if has_regimes else dict.fromkeys(detection)),
        "history": [_window_view(window, replay.metric) for window in replay.windows],
        "metric": replay.metric.value,
        "value": replay.value,
    }


def _drift_event_view(event: DriftEvent) -> BacktestView:
    return {
        "window": event.window,
        "regime": event.regime,
        "known_task": event.known_task,
        "detected_in": event.detected_in,
        "delay": event.delay,
    }


def _window_view(window: WindowReplay, metric: MetricName) -> BacktestView:
    accuracy = window.correct / window.labelled if window.labelled else None
    return {
        "window": window.window,
        "source": window.source,
        "rows": window.rows,
        "verdict": window.verdict.value,
        "task": window.task,
        "alarm": window.alarm,
        "grown": window.grown,
        "hours": window.training_s / 3600,
        "accuracy": accuracy,
        "regime": window.regime,
        "reason": window.reason,
        "value": accuracy if metric is MetricName.ACCURACY else window.metric_value,
    }


def format_duration(hours: float) -> str:
    """A duration with a suitable unit.

    >>> format_duration(0.0001), format_duration(0.05), format_duration(12.34)
    ('0.36 s', '3 min', '12.3 h')
    """
    if hours * 60 < 1:
        return f"{hours * 3600:.2g} s"
    return f"{hours * 60:.3g} min" if hours < 1 else f"{hours:.3g} h"
