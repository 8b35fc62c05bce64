from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from growlearn.domain.drift import EProcess
from growlearn.domain.errors import GrowLearnError
from growlearn.drift.sequential.alpha_budget import AlphaBudget, make_lifetime_budget, make_per_period_budget
from growlearn.drift.sequential.e_process import (
    check_fingerprint,
    check_min_effect_size,
    compute_bet_sizes,
    log_mean_exp,
    update_e_process,
)

COIN = np.log([1.9, 0.1])  # two fair payoffs: their mean is 1


@given(st.lists(st.lists(st.floats(-50, 50), min_size=3, max_size=3), min_size=1, max_size=8))
def test_wealth_is_the_sum_over_starting_windows(payoffs: list[list[float]]) -> None:
    budget, e_process = make_lifetime_budget(0.05), EProcess(fingerprint="r")
    for window in payoffs:
        e_process = update_e_process(e_process, np.array(window), 1, budget)
    sums = np.array(payoffs)[::-1].cumsum(0)[::-1]  # from each starting window to the last
    weights = np.array([budget.weight(k + 1) for k in range(len(payoffs))])
    expected = np.logaddexp.reduce(np.log(weights)[:, None] + sums, axis=0)
    assert e_process.log_wealth == pytest.approx(expected.tolist(), abs=1e-9)
    assert e_process.num_windows == e_process.num_rows == len(payoffs)


def count_alarms(budget: AlphaBudget, streams: int, windows: int) -> int:
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(streams):
        e_process = EProcess(fingerprint="r")
        for coin in rng.integers(0, 2, windows):
            e_process = update_e_process(e_process, COIN[[coin]], 1, budget)
            if e_process.first_alarm_window is not None:
                alarms += 1
                e_process = EProcess(fingerprint="r")
    return alarms


def test_fair_bets_alarm_in_at_most_the_allowed_share_of_streams() -> None:
    rng, streams, alarms = np.random.default_rng(0), 400, 0
    budget = AlphaBudget(reference_alpha=0.0, sequential_alpha=0.2)
    for _ in range(streams):
        e_process = EProcess(fingerprint="r")
        for coin in rng.integers(0, 2, 60):
            e_process = update_e_process(e_process, COIN[[coin]], 1, budget)
        alarms += e_process.first_alarm_window is not None
    assert 0 < alarms <= binom.ppf(0.999, streams, 0.2)


def test_fair_bets_keep_to_the_per_period_budget_with_a_restart_after_each_alarm() -> None:
    budget = make_per_period_budget(1, 10)
    alarms = count_alarms(budget, streams=100, windows=100)  # 1,000 allowed
    assert 100 < alarms <= 1000


def test_the_first_alarm_and_the_maximum_are_stored() -> None:
    budget, e_process = make_lifetime_budget(0.05), EProcess(fingerprint="r")
    for payoff in (0.0, 9.0, -50.0):
        e_process = update_e_process(e_process, np.array([payoff]), 10, budget)
    assert e_process.first_alarm_window == 2
    assert e_process.max_log_evidence > budget.log_threshold > log_mean_exp(np.array(e_process.log_wealth))


def test_evidence_recovers_after_a_stable_period() -> None:
    budget, e_process = make_lifetime_budget(0.05), EProcess(fingerprint="r")
    for _ in range(1000):
        e_process = update_e_process(e_process, np.array([-20.0]), 10, budget)
    e_process = update_e_process(e_process, np.array([16.0]), 10, budget)
    assert e_process.first_alarm_window == 1001


def test_no_bet_stakes_everything() -> None:
    upper_bounds = np.array([0.01, 0.5, 1.3])
    sizes = compute_bet_sizes(upper_bounds, np.array([0.1, 0.3, 0.0]))
    assert sizes.shape == (3, 5)
    assert (sizes > 0).all()
    assert (sizes * upper_bounds[:, None] <= 0.9 + 1e-12).all()


def test_the_mean_of_huge_numbers_does_not_overflow() -> None:
    assert log_mean_exp(np.array([5000.0, 0.0])) == pytest.approx(5000 - math.log(2))


@pytest.mark.parametrize("min_effect_size", [-0.1, 1.0, float("nan")])
def test_an_invalid_min_effect_size_is_an_error(min_effect_size: float) -> None:
    check_min_effect_size(0.0)
    with pytest.raises(GrowLearnError, match="minimum effect size"):
        check_min_effect_size(min_effect_size)


def test_an_e_process_of_another_reference_is_an_error() -> None:
    check_fingerprint(EProcess(fingerprint="a"), "a")
    with pytest.raises(GrowLearnError, match="another reference"):
        check_fingerprint(EProcess(fingerprint="a"), "b")
