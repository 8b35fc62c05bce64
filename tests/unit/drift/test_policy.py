"""When a drift that was found may be grown for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from growlearn.domain.drift import BudgetLeft, DriftKind
from growlearn.domain.drift_spec import HoursBudget, PolicySpec
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.policy import Training, asks_for_trainings, budget_left, refusal
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


def asked(
    spec: PolicySpec, *verdicts: Verdict | None, kind: Any = DriftKind.INPUTS, trained: Any = ()
) -> str | None:
    *earlier, last = windows(*verdicts)
    return refusal(last, kind, earlier, trained, spec, NOW)


def training(window: int, hours_ago: float = 0.0, hours: float = 1.0) -> Training:
    return Training(window=window, at=NOW - timedelta(hours=hours_ago), seconds=hours * 3600)


def test_by_default_every_drift_is_grown_for() -> None:
    assert asked(PolicySpec(), FIRST, DRIFT) is None


def test_the_first_task_is_always_grown() -> None:
    strict = PolicySpec(confirm=5, warm_up=9, cool_down=9, growths_per_day=1)
    assert asked(strict, FIRST, trained=[training(1)]) is None


def test_a_drift_waits_for_the_windows_that_confirm_it() -> None:
    spec = PolicySpec(confirm=3)
    assert (
        asked(spec, FIRST, STABLE, DRIFT)
        == "drift in 1 of 3 windows in a row that confirm it (policy.confirm)"
    )
    assert "2 of 3" in str(asked(spec, FIRST, DRIFT, DRIFT))
    assert asked(spec, FIRST, DRIFT, DRIFT, DRIFT) is None
    assert "1 of 3" in str(asked(spec, FIRST, DRIFT, DRIFT, STABLE, DRIFT))


def test_windows_not_judged_do_not_break_a_confirmation() -> None:
    assert asked(PolicySpec(confirm=2), FIRST, DRIFT, None, Verdict.FULL, DRIFT) is None


@pytest.mark.parametrize(("verdict", "kind"), [(NEW, None), (DRIFT, DriftKind.NEW_CLASSES)])
def test_what_is_certain_needs_no_confirmation(verdict: Verdict, kind: DriftKind | None) -> None:
    assert asked(PolicySpec(confirm=3), FIRST, verdict, kind=kind) is None


def test_warming_up() -> None:
    spec = PolicySpec(warm_up=3)
    assert asked(spec, FIRST, STABLE, DRIFT) == "warming up: window 2 of the first 3 (policy.warm_up)"
    assert asked(spec, FIRST, STABLE, STABLE, DRIFT) is None


def test_cooling_down() -> None:
    spec = PolicySpec(cool_down=2)
    assert "0 of 2" in str(asked(spec, FIRST, STABLE, DRIFT, DRIFT, trained=[training(1), training(3)]))
    assert "1 of 2" in str(asked(spec, FIRST, DRIFT, STABLE, DRIFT, trained=[training(2)]))
    assert asked(spec, FIRST, DRIFT, STABLE, STABLE, DRIFT, trained=[training(2)]) is None


def test_growths_a_day() -> None:
    spec = PolicySpec(growths_per_day=2)
    assert "2 trainings in the last 24 hours" in str(
        asked(spec, FIRST, DRIFT, trained=[training(1, 1), training(1, 23)])
    )
    assert asked(spec, FIRST, DRIFT, trained=[training(1, 1), training(1, 25)]) is None


def test_hours_of_training() -> None:
    spec = PolicySpec(training_hours=HoursBudget(at_most=2, per="7d"))
    spent = [training(1, 24, 1.5), training(1, 48, 0.6)]
    assert "2.1 hours of training in 7d" in str(asked(spec, FIRST, DRIFT, trained=spent))
    old = [spent[0], replace(spent[1], at=NOW - timedelta(days=8))]
    assert asked(spec, FIRST, DRIFT, trained=old) is None


def test_what_is_left_of_the_budgets_is_said() -> None:
    spec = PolicySpec(growths_per_day=3, training_hours=HoursBudget(at_most=5.0, per="2d"))
    trained = [training(1, 60), training(2, 30, 1.5), training(3, 2, 0.5)]
    assert budget_left(trained, spec, NOW) == BudgetLeft(growths=2, hours=3.0)
    assert budget_left([training(n, 0, 4) for n in range(5)], spec, NOW) == BudgetLeft(growths=0, hours=0.0)
    assert budget_left(trained, PolicySpec(growths_per_day=1), NOW) == BudgetLeft(growths=0, hours=None)
    assert budget_left(trained, PolicySpec(), NOW) is None


def test_a_policy_that_looks_at_no_training_says_so() -> None:
    assert not asks_for_trainings(PolicySpec(confirm=3, warm_up=4))
    for spec in (PolicySpec(cool_down=1), PolicySpec(growths_per_day=1)):
        assert asks_for_trainings(spec)
