from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.errors import GrowLearnError
from growlearn.drift.evidence.budget import at_a_rate, for_life, windows_in

START = datetime(2026, 1, 1, tzinfo=UTC)
PERIOD = timedelta(days=90)


@given(st.floats(0.001, 0.999))
def test_both_shares_make_up_alpha(alpha: float) -> None:
    budget = for_life(alpha)
    assert budget.reference + budget.stream + budget.window == pytest.approx(alpha)


def test_weights_for_life_never_sum_to_more_than_one() -> None:
    budget = for_life(0.05)
    weights = [budget.weight(window) for window in range(1, 20_000)]
    assert all(weight > 0 for weight in weights)
    assert sum(weights) < 1
    assert weights == sorted(weights, reverse=True)


@given(st.floats(0.01, 10), st.floats(10, 1e5))
def test_a_rate_is_spent_in_full_and_no_more(at_most: float, windows: float) -> None:
    budget = at_a_rate(at_most, windows)
    spent = windows * budget.weight(1) * budget.stream
    assert budget.weight(1) == budget.weight(10_000)
    assert (spent + budget.reference) / (1 - budget.reference) == pytest.approx(at_most)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, float("nan")])
def test_an_alpha_that_means_nothing_is_refused(alpha: float) -> None:
    with pytest.raises(GrowLearnError, match="between 0 and 1"):
        for_life(alpha)


@pytest.mark.parametrize(("at_most", "windows"), [(0, 10), (11, 10)])
def test_a_rate_that_means_nothing_is_refused(at_most: float, windows: float) -> None:
    with pytest.raises(GrowLearnError, match="asks for nothing"):
        at_a_rate(at_most, windows)


def test_a_streams_own_pace_tells_how_many_windows_come() -> None:
    daily = [START + timedelta(days=day) for day in (3, 1, 0, 2, 4)]
    assert windows_in(PERIOD, daily) == 90


def test_the_faster_of_pace_and_schedule_counts() -> None:
    daily = [START + timedelta(days=day) for day in range(10)]
    assert windows_in(PERIOD, daily, every=timedelta(hours=1)) == 90 * 24
    assert windows_in(PERIOD, daily, every=timedelta(days=9)) == 90
    assert windows_in(PERIOD, [], every=timedelta(days=100)) == 1


def test_without_pace_or_schedule_nothing_is_promised() -> None:
    with pytest.raises(GrowLearnError, match="do not tell"):
        windows_in(PERIOD, [START] * 9)
    with pytest.raises(GrowLearnError, match="do not tell"):
        windows_in(PERIOD, [START, START + timedelta(days=1)])
