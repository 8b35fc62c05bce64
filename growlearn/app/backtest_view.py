"""What a backtest says, as plain data with the documented keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from growlearn.app.backtest import Backtest
from growlearn.domain.backtest import Change, Replay, Replayed

View = Mapping[str, Any]


def backtest_view(backtest: Backtest) -> View:
    """A whole backtest: what it rests on, and `policies`."""
    return {
        "stream": backtest.job.name,
        "started_from": backtest.started_from,
        "epochs": backtest.job.growth.epochs,
        "seconds_a_row": backtest.seconds_a_row,
        "seconds_a_row_from": _source_of_cost(backtest),
        "period": backtest.every,
        "truth": backtest.truth,
        "policies": [_policy(replay, truth=backtest.truth is not None) for replay in backtest.replays],
    }


def _source_of_cost(backtest: Backtest) -> str | None:
    if backtest.seconds_a_row is None:
        return None
    return "recorded trainings" if backtest.recorded else "measured here"


def _policy(replay: Replay, *, truth: bool) -> View:
    fit = {
        "changes": [_change(change) for change in replay.changes],
        "mean_delay": replay.mean_delay,
        "missed": replay.missed,
        "false_alarms": replay.false_alarms,
        "returns": replay.returns,
        "recognised": replay.recognised,
    }
    return {
        "policy": replay.policy,
        "windows": len(replay.windows),
        "alarms": replay.alarms,
        "trainings": replay.trainings,
        "hours": replay.hours,
        "accuracy": replay.accuracy,
        "labelled_rows": replay.labelled,
        **(fit if truth else dict.fromkeys(fit)),
        "history": [_window(window) for window in replay.windows],
    }


def _change(change: Change) -> View:
    return {
        "window": change.window,
        "regime": change.regime,
        "learned": change.learned,
        "answered": change.answered,
        "delay": change.delay,
    }


def _window(window: Replayed) -> View:
    return {
        "window": window.window,
        "source": window.source,
        "rows": window.rows,
        "verdict": window.verdict.value,
        "task": window.task,
        "alarm": window.alarm,
        "grown": window.grown,
        "hours": window.training_s / 3600,
        "accuracy": window.correct / window.labelled if window.labelled else None,
        "regime": window.regime,
        "reason": window.reason,
    }


def told_time(hours: float) -> str:
    """A length of time in the unit that suits it.

    >>> told_time(0.0001), told_time(0.05), told_time(12.34)
    ('0.36 s', '3 min', '12.3 h')
    """
    if hours * 60 < 1:
        return f"{hours * 3600:.2g} s"
    return f"{hours * 60:.3g} min" if hours < 1 else f"{hours:.3g} h"
