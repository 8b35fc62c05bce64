from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from growlearn.domain.errors import GrowLearnError
from growlearn.drift.evidence.budget import Budget, at_a_rate, for_life
from growlearn.drift.evidence.carry import Evidence, average, bet_sizes, carry, check_carried, check_effect

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
COIN = np.log([1.9, 0.1])  # two fair payoffs: their mean is 1


@given(
    st.builds(
        Evidence,
        reference=st.text(),
        windows=st.integers(0),
        rows=st.integers(0),
        log_wealth=st.lists(NUMBERS).map(tuple),
        peak=NUMBERS,
        alarmed_at=st.none() | st.integers(1),
    )
)
def test_json_keeps_every_bit(evidence: Evidence) -> None:
    again = Evidence.from_json(evidence.to_json())
    assert again == evidence
    assert np.array(again.log_wealth).tobytes() == np.array(evidence.log_wealth).tobytes()


@given(st.lists(st.lists(st.floats(-50, 50), min_size=3, max_size=3), min_size=1, max_size=8))
def test_wealth_is_the_sum_over_starting_windows(payoffs: list[list[float]]) -> None:
    budget, evidence = for_life(0.05), Evidence(reference="r")
    for window in payoffs:
        evidence = carry(evidence, np.array(window), 1, budget)
    sums = np.array(payoffs)[::-1].cumsum(0)[::-1]  # from each starting window to the last
    weights = np.array([budget.weight(at + 1) for at in range(len(payoffs))])
    expected = np.logaddexp.reduce(np.log(weights)[:, None] + sums, axis=0)
    assert evidence.log_wealth == pytest.approx(expected.tolist(), abs=1e-9)
    assert evidence.windows == evidence.rows == len(payoffs)


def alarms_of(budget: Budget, streams: int, windows: int) -> int:
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(streams):
        evidence = Evidence(reference="r")
        for coin in rng.integers(0, 2, windows):
            evidence = carry(evidence, COIN[[coin]], 1, budget)
            if evidence.alarmed_at is not None:
                alarms += 1
                evidence = Evidence(reference="r")
    return alarms


def test_fair_bets_alarm_in_no_larger_share_of_streams_than_allowed() -> None:
    rng, streams, ever = np.random.default_rng(0), 400, 0
    budget = Budget(reference=0.0, stream=0.2)
    for _ in range(streams):
        evidence = Evidence(reference="r")
        for coin in rng.integers(0, 2, 60):
            evidence = carry(evidence, COIN[[coin]], 1, budget)
        ever += evidence.alarmed_at is not None
    assert 0 < ever <= binom.ppf(0.999, streams, 0.2)


def test_fair_bets_keep_to_the_rate_with_a_new_start_after_each_alarm() -> None:
    budget = at_a_rate(1, 10)
    alarms = alarms_of(budget, streams=100, windows=100)  # 1,000 allowed
    assert 100 < alarms <= 1000


def test_an_alarm_is_remembered_and_so_is_the_peak() -> None:
    budget, evidence = for_life(0.05), Evidence(reference="r")
    for payoff in (0.0, 9.0, -50.0):
        evidence = carry(evidence, np.array([payoff]), 10, budget)
    assert evidence.alarmed_at == 2
    assert evidence.peak > budget.log_threshold > average(np.array(evidence.log_wealth))


def test_a_stable_stretch_does_not_sink_evidence_for_good() -> None:
    budget, evidence = for_life(0.05), Evidence(reference="r")
    for _ in range(1000):
        evidence = carry(evidence, np.array([-20.0]), 10, budget)
    evidence = carry(evidence, np.array([16.0]), 10, budget)
    assert evidence.alarmed_at == 1001


def test_no_bet_stakes_everything() -> None:
    ceilings = np.array([0.01, 0.5, 1.3])
    sizes = bet_sizes(ceilings, np.array([0.1, 0.3, 0.0]))
    assert sizes.shape == (3, 5)
    assert (sizes > 0).all()
    assert (sizes * ceilings[:, None] <= 0.9 + 1e-12).all()


def test_the_average_of_huge_numbers_does_not_overflow() -> None:
    assert average(np.array([5000.0, 0.0])) == pytest.approx(5000 - math.log(2))


@pytest.mark.parametrize("min_effect", [-0.1, 1.0, float("nan")])
def test_an_effect_that_means_nothing_is_refused(min_effect: float) -> None:
    check_effect(0.0)
    with pytest.raises(GrowLearnError, match="smallest effect"):
        check_effect(min_effect)


def test_evidence_against_another_reference_is_refused() -> None:
    check_carried(Evidence(reference="a"), "a")
    with pytest.raises(GrowLearnError, match="another reference"):
        check_carried(Evidence(reference="a"), "b")
