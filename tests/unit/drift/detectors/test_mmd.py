from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from growlearn.drift.detectors.mmd import MAX_MMD_ROWS, MAX_PERMUTATIONS, mmd
from growlearn.drift.detectors.result import Inconclusive
from growlearn.drift.detectors.subsample import subsample_features


def test_the_statistic_is_the_unbiased_estimate(make_sample: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(1, size=(5, 3))
    pooled = np.concatenate([x, y])
    distances = [float(np.sum((a - b) ** 2)) for i, a in enumerate(pooled) for b in pooled[:i]]

    def k(a: Any, b: Any) -> float:
        return math.exp(-float(np.sum((a - b) ** 2)) / (2 * float(np.median(distances))))

    def within(rows: Any) -> float:
        return float(np.mean([k(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]))

    between = np.mean([k(a, b) for a in x for b in y])
    (result,) = mmd(make_sample(features=x), make_sample(features=y), 0.05)
    assert result.statistic == pytest.approx(within(x) + within(y) - 2 * between, abs=1e-6)
    assert result.effect == pytest.approx(math.sqrt(result.statistic))


def test_a_change_of_spread_alone_is_detected(make_sample: Any) -> None:
    rng = np.random.default_rng(0)
    narrow, wide = rng.normal(size=(200, 4)), 2 * rng.normal(size=(200, 4))
    (result,) = mmd(make_sample(features=narrow), make_sample(features=wide), 0.001)
    assert result.rejected


def test_as_many_permutations_are_drawn_as_alpha_needs_and_few_without_drift(make_sample: Any) -> None:
    """p is 1 / (1 + permutations) where none is as far apart, and 10 / permutations once ten are."""
    rows = np.random.default_rng(0).normal(size=(3, 40, 2))
    (far,) = mmd(make_sample(features=rows[0]), make_sample(features=rows[1] + 5), 0.001)
    assert far.p_value == pytest.approx(1 / 2001)
    (near,) = mmd(make_sample(features=rows[0]), make_sample(features=rows[2]), 0.001)
    permutations = 10 / near.p_value
    assert permutations == pytest.approx(round(permutations))
    assert permutations < 200


def test_of_many_rows_a_fixed_subsample_is_compared(make_sample: Any) -> None:
    rng = np.random.default_rng(0)
    rows, window = rng.normal(size=(2500, 2)), make_sample(features=rng.normal(3, size=(40, 2)))
    drawn = subsample_features(rows, MAX_MMD_ROWS, seed=0)
    (of_all,) = mmd(make_sample(features=rows), window, 0.05)
    (of_drawn,) = mmd(make_sample(features=drawn), window, 0.05)
    assert len(drawn) == MAX_MMD_ROWS < len(rows)
    assert of_all.statistic == pytest.approx(of_drawn.statistic, rel=1e-4)
    assert of_all.rejected


def test_rows_that_are_mostly_equal_have_a_kernel_too(make_sample: Any) -> None:
    rows = np.zeros((40, 2))
    rows[0] = 1
    (result,) = mmd(make_sample(features=rows), make_sample(features=rows), 0.05)
    assert result.p_value == 1


def test_an_alpha_that_no_permutation_test_reaches_is_inconclusive(make_sample: Any) -> None:
    sample = make_sample(features=np.eye(4))
    with pytest.raises(Inconclusive, match=r"more than 20,000 permutations of mmd.*drift\.alpha"):
        mmd(sample, sample, 1 / (2 * MAX_PERMUTATIONS))
