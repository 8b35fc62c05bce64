from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.errors import GrowLearnError
from growlearn.drift.sequential.alpha_budget import (
    estimate_windows_per_day,
    make_lifetime_budget,
    make_per_period_budget,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
PERIOD = timedelta(days=90)


@given(st.floats(0.001, 0.999))
def test_the_parts_sum_to_alpha(alpha: float) -> None:
    budget = make_lifetime_budget(alpha)
    assert budget.reference_alpha + budget.sequential_alpha + budget.single_window_alpha == pytest.approx(
        alpha
    )


def test_lifetime_weights_never_sum_to_more_than_one() -> None:
    budget = make_lifetime_budget(0.05)
    weights = [budget.weight(window) for window in range(1, 20_000)]
    assert all(weight > 0 for weight in weights)
    assert sum(weights) < 1
    assert weights == sorted(weights, reverse=True)


@given(st.floats(0.01, 10), st.floats(10, 1e5), st.integers(1, 1000))
def test_a_per_period_budget_is_spent_once_over_any_number_of_references(
    max_alarms: float, windows: float, references: int
) -> None:
    budgets = [make_per_period_budget(max_alarms, windows, number + 1) for number in range(references)]
    assert (
        len({(budget.weight(1), budget.weight(10_000), budget.sequential_alpha) for budget in budgets}) == 1
    )
    spent = windows * budgets[0].weight(1) * budgets[0].sequential_alpha
    unrepresentative = math.fsum(budget.reference_alpha for budget in budgets)
    first = 2 * budgets[0].reference_alpha  # of all references together
    assert spent + unrepresentative < max_alarms
    assert spent + first == pytest.approx(max_alarms)
    assert unrepresentative == pytest.approx(first * references / (references + 1))


@pytest.mark.parametrize("alpha", [0, 1, -0.1, float("nan")])
def test_an_invalid_alpha_is_an_error(alpha: float) -> None:
    with pytest.raises(GrowLearnError, match="between 0 and 1"):
        make_lifetime_budget(alpha)


@pytest.mark.parametrize(("max_alarms", "windows"), [(0, 10), (11, 10)])
def test_an_invalid_per_period_budget_is_an_error(max_alarms: float, windows: float) -> None:
    with pytest.raises(GrowLearnError, match="false alarms in 10 windows is no valid budget"):
        make_per_period_budget(max_alarms, windows)


def test_the_number_of_windows_is_estimated_from_the_streams_own_pace() -> None:
    daily = [START + timedelta(days=day) for day in (3, 1, 0, 2, 4)]
    assert estimate_windows_per_day(daily) == 1


def test_the_faster_of_pace_and_schedule_counts() -> None:
    daily = [START + timedelta(days=day) for day in range(10)]
    assert estimate_windows_per_day(daily, interval=timedelta(hours=1)) == 24
    assert estimate_windows_per_day(daily, interval=timedelta(days=9)) == 1
    assert estimate_windows_per_day([], interval=timedelta(days=100)) == 0.01


def test_without_pace_or_schedule_there_is_no_estimate() -> None:
    assert estimate_windows_per_day([START] * 9) is None
    assert estimate_windows_per_day([START, START + timedelta(days=1)]) is None
