from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2_contingency, fisher_exact

from growlearn.drift.detectors.contingency import chi_square_homogeneity, population_stability_index


def test_it_is_pearson_s_chi_square() -> None:
    reference, query = np.array([30, 40, 30]), np.array([50, 30, 20])
    statistic, p_value = chi_square_homogeneity(reference, query)
    assert statistic == pytest.approx(400 / 80 + 2 * 25 / 35 + 2 * 25 / 25)  # (30 - 40)^2 / 40 twice is 5
    assert p_value == pytest.approx(math.exp(-statistic / 2))  # two degrees of freedom


def test_rare_categories_are_pooled() -> None:
    reference, query = np.array([40, 40, 3, 3, 4, 0]), np.array([40, 40, 2, 4, 3, 1])
    pooled = chi2_contingency(np.array([[40, 40, 10], [40, 40, 10]]), correction=False)
    assert chi_square_homogeneity(reference, query)[1] == pytest.approx(pooled.pvalue)


def test_categories_too_rare_even_together_are_pooled_with_the_rarest_of_the_others() -> None:
    reference, query = np.array([50, 30, 20, 1]), np.array([20, 40, 39, 1])
    joined = chi2_contingency(np.array([[50, 30, 21], [20, 40, 40]]), correction=False)
    assert chi_square_homogeneity(reference, query)[0] == pytest.approx(joined.statistic)


def test_two_categories_are_tested_exactly() -> None:
    table = np.array([[1, 9], [8, 3]])
    assert chi_square_homogeneity(table[0], table[1])[1] == pytest.approx(fisher_exact(table).pvalue)


def test_all_but_the_most_frequent_category_may_be_rare() -> None:
    rare = fisher_exact(np.array([[100, 0], [91, 9]])).pvalue
    assert chi_square_homogeneity(np.array([0, 100, 0]), np.array([5, 91, 4]))[1] == pytest.approx(rare)


def test_one_category_is_no_evidence() -> None:
    assert chi_square_homogeneity(np.array([9]), np.array([5])) == (0.0, 1.0)
    assert chi_square_homogeneity(np.array([0, 9]), np.array([0, 5])) == (0.0, 1.0)


def test_the_stability_index_is_symmetric_zero_without_change_and_finite_for_an_empty_category() -> None:
    some, others = np.array([800, 200]), np.array([500, 500])
    assert population_stability_index(some, some) == 0
    assert population_stability_index(some, others) == pytest.approx(population_stability_index(others, some))
    assert population_stability_index(some, others) == pytest.approx(
        0.3 * math.log(1.6) + 0.3 * math.log(2.5), rel=0.01
    )
    assert 1 < population_stability_index(np.array([100, 0]), np.array([0, 100])) < 20
