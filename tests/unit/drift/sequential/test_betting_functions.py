from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from growlearn.drift.sequential.betting_functions import (
    BETTING_FUNCTIONS,
    BETTING_VALUES,
    TOTAL_VARIATIONS,
    null_mean_bounds,
    values_at_ranks,
)


@pytest.mark.parametrize(("rows", "alpha"), [(30, 0.2), (100, 0.02), (333, 0.1)])
def test_rank_probabilities_exceed_a_bound_at_most_with_probability_alpha(rows: int, alpha: float) -> None:
    draws = np.random.default_rng(0).dirichlet(np.ones(rows + 1), 20_000)
    share = (draws @ values_at_ranks(rows + 1).T >= null_mean_bounds(rows, alpha, 0)).mean(0)
    assert (share <= alpha).all()
    assert (share >= alpha / 30).all()  # and the bound is not trivial


def test_the_bound_of_a_tail_is_a_little_above_the_exact_quantile() -> None:
    rows, alpha = 2000, 3e-4
    inside = values_at_ranks(rows + 1).sum(1)
    index = list(BETTING_FUNCTIONS).index("above its upper twentieth")
    exact = beta.ppf(1 - alpha, inside[index], rows + 1 - inside[index])
    assert exact < null_mean_bounds(rows, alpha, 0)[index] < 1.1 * exact


def test_bounds_fall_with_rows_and_rise_with_confidence_and_effect_size() -> None:
    assert (null_mean_bounds(500, 0.01, 0) > null_mean_bounds(2000, 0.01, 0)).all()
    assert (null_mean_bounds(500, 0.001, 0) > null_mean_bounds(500, 0.01, 0)).all()
    assert null_mean_bounds(500, 0.01, 0.1) - null_mean_bounds(500, 0.01, 0) == pytest.approx(
        0.1 * TOTAL_VARIATIONS
    )


def test_betting_functions_lie_between_0_and_1_and_vary_by_2_at_most() -> None:
    assert BETTING_VALUES.min() >= 0
    assert BETTING_VALUES.max() <= 1
    assert TOTAL_VARIATIONS.max() <= 2
