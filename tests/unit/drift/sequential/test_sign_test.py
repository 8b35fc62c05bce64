from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.drift.sequential.sign_test import compute_sign_evidence

counts = st.integers(0, 2000)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_a_fair_coin_looked_at_after_each_of_200_tosses_is_rejected_with_less_than_alpha(
    alpha: float,
) -> None:
    threshold, rejected = -math.log(alpha), 0.0
    alive = {0: 1.0}  # probability of each number of heads, never rejected so far
    for tosses in range(1, 201):
        reached = dict.fromkeys(range(tosses + 1), 0.0)
        for heads, probability in alive.items():
            reached[heads] += probability / 2
            reached[heads + 1] += probability / 2
        alive = {}
        for heads, probability in reached.items():
            if compute_sign_evidence(heads, tosses - heads) >= threshold:
                rejected += probability
            elif probability > 0:
                alive[heads] = probability
    assert alpha / 10 < rejected <= alpha


@given(counts, counts)
def test_each_pair_is_a_fair_bet_at_even_odds(first: int, other: int) -> None:
    now = compute_sign_evidence(first, other)
    then = compute_sign_evidence(first + 1, other), compute_sign_evidence(first, other + 1)
    assert np.logaddexp(*then) - math.log(2) == pytest.approx(now, rel=1e-9, abs=1e-9)
    assert then[0] >= now >= then[1]


def test_a_majority_is_found_and_a_minority_never() -> None:
    assert compute_sign_evidence(40, 12) > math.log(1 / 0.01)
    assert compute_sign_evidence(600, 400) > math.log(1 / 0.001)
    assert compute_sign_evidence(0, 10_000) < compute_sign_evidence(500, 500) < 0
