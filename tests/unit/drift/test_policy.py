"""When a detected drift may lead to growth."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from growlearn.domain.drift import DriftKind, RemainingBudget
from growlearn.domain.drift_config import RetrainingPolicyConfig, TrainingBudget
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.policy import (
    TrainingRecord,
    compute_remaining_budget,
    needs_training_history,
    veto_reason,
)
from tests.unit.drift.conftest import NOW

STABLE, DRIFT, FIRST, NEW = Verdict.STABLE, Verdict.DRIFT, Verdict.FIRST, Verdict.NEW_TASK


def windows(*verdicts: Verdict | None) -> list[Window]:
    return [
        Window(
            stream="s",
            number=number,
            state=WindowState.JUDGED,
            source="f",
            discovered_at=NOW,
            updated_at=NOW,
            verdict=verdict,
        )
        for number, verdict in enumerate(verdicts, start=1)
    ]


def get_veto(
    config: RetrainingPolicyConfig,
    *verdicts: Verdict | None,
    kind: Any = DriftKind.COVARIATE_SHIFT,
    trained: Any = (),
) -> str | None:
    *earlier, last = windows(*verdicts)
    return veto_reason(last, kind, earlier, trained, config, NOW)


def training(window: int, hours_ago: float = 0.0, hours: float = 1.0) -> TrainingRecord:
    return TrainingRecord(
        window_number=window, ended_at=NOW - timedelta(hours=hours_ago), seconds=hours * 3600
    )


def test_by_default_every_drift_is_grown_for() -> None:
    assert get_veto(RetrainingPolicyConfig(), FIRST, DRIFT) is None


def test_the_first_task_is_always_grown() -> None:
    strict = RetrainingPolicyConfig(
        confirm_windows=5, warmup_windows=9, cooldown_windows=9, max_growths_per_day=1
    )
    assert get_veto(strict, FIRST, trained=[training(1)]) is None


def test_a_drift_waits_for_the_windows_that_confirm_it() -> None:
    config = RetrainingPolicyConfig(confirm_windows=3)
    assert (
        get_veto(config, FIRST, STABLE, DRIFT)
        == "drift in 1 of 3 windows in a row that confirm it (retraining_policy.confirm_windows)"
    )
    assert "2 of 3" in str(get_veto(config, FIRST, DRIFT, DRIFT))
    assert get_veto(config, FIRST, DRIFT, DRIFT, DRIFT) is None
    assert "1 of 3" in str(get_veto(config, FIRST, DRIFT, DRIFT, STABLE, DRIFT))


def test_windows_not_judged_do_not_break_a_confirmation() -> None:
    assert (
        get_veto(RetrainingPolicyConfig(confirm_windows=2), FIRST, DRIFT, None, Verdict.FULL, DRIFT) is None
    )


@pytest.mark.parametrize(("verdict", "kind"), [(NEW, None), (DRIFT, DriftKind.NEW_CLASSES)])
def test_what_is_certain_needs_no_confirmation(verdict: Verdict, kind: DriftKind | None) -> None:
    assert get_veto(RetrainingPolicyConfig(confirm_windows=3), FIRST, verdict, kind=kind) is None


def test_warming_up() -> None:
    config = RetrainingPolicyConfig(warmup_windows=3)
    assert (
        get_veto(config, FIRST, STABLE, DRIFT)
        == "warming up: window 2 of the first 3 (retraining_policy.warmup_windows)"
    )
    assert get_veto(config, FIRST, STABLE, STABLE, DRIFT) is None


def test_cooling_down() -> None:
    config = RetrainingPolicyConfig(cooldown_windows=2)
    assert "0 of 2" in str(get_veto(config, FIRST, STABLE, DRIFT, DRIFT, trained=[training(1), training(3)]))
    assert "1 of 2" in str(get_veto(config, FIRST, DRIFT, STABLE, DRIFT, trained=[training(2)]))
    assert get_veto(config, FIRST, DRIFT, STABLE, STABLE, DRIFT, trained=[training(2)]) is None


def test_growths_a_day() -> None:
    config = RetrainingPolicyConfig(max_growths_per_day=2)
    assert "2 trainings in the last 24 hours" in str(
        get_veto(config, FIRST, DRIFT, trained=[training(1, 1), training(1, 23)])
    )
    assert get_veto(config, FIRST, DRIFT, trained=[training(1, 1), training(1, 25)]) is None


def test_hours_of_training() -> None:
    config = RetrainingPolicyConfig(training_budget=TrainingBudget(max_hours=2, period="7d"))
    spent = [training(1, 24, 1.5), training(1, 48, 0.6)]
    assert "2.1 hours of training in 7d" in str(get_veto(config, FIRST, DRIFT, trained=spent))
    old = [spent[0], replace(spent[1], ended_at=NOW - timedelta(days=8))]
    assert get_veto(config, FIRST, DRIFT, trained=old) is None


def test_the_remaining_budgets() -> None:
    config = RetrainingPolicyConfig(
        max_growths_per_day=3, training_budget=TrainingBudget(max_hours=5.0, period="2d")
    )
    trained = [training(1, 60), training(2, 30, 1.5), training(3, 2, 0.5)]
    assert compute_remaining_budget(trained, config, NOW) == RemainingBudget(growths=2, hours=3.0)
    assert compute_remaining_budget([training(n, 0, 4) for n in range(5)], config, NOW) == RemainingBudget(
        growths=0, hours=0.0
    )
    assert compute_remaining_budget(
        trained, RetrainingPolicyConfig(max_growths_per_day=1), NOW
    ) == RemainingBudget(growths=0, hours=None)
    assert compute_remaining_budget(trained, RetrainingPolicyConfig(), NOW) is None


def test_which_policies_need_the_training_history() -> None:
    assert not needs_training_history(RetrainingPolicyConfig(confirm_windows=3, warmup_windows=4))
    for config in (RetrainingPolicyConfig(cooldown_windows=1), RetrainingPolicyConfig(max_growths_per_day=1)):
        assert needs_training_history(config)
