from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from growlearn.drift.detectors.output_ks import output_ks


def test_the_statistic_is_the_largest_gap_between_the_two_distributions() -> None:
    reference = np.array([[0.1], [0.2], [0.3], [0.4]])
    query = np.array([[0.3], [0.4], [0.5], [0.6]])
    (finding,) = output_ks(reference, query, 0.05)
    assert finding.statistic == 0.5  # at 0.2 half the reference is passed and none of the query


def test_two_outputs_mirror_each_other_and_say_the_same() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.uniform(size=100), rng.beta(2, 1, size=150)
    left, right = output_ks(np.stack([first, 1 - first], 1), np.stack([second, 1 - second], 1), 0.05)
    assert left.statistic == pytest.approx(right.statistic)
    assert left.threshold == right.threshold == 0.025


def test_p_values_are_close_to_the_exact_ones() -> None:
    rng = np.random.default_rng(1)
    for rows, shift in ((40, 0.0), (40, 0.5), (200, 0.2)):
        reference, query = rng.normal(size=(rows, 1)), rng.normal(shift, size=(rows + 7, 1))
        (finding,) = output_ks(reference, query, 0.05)
        exact = ks_2samp(reference[:, 0], query[:, 0], method="exact").pvalue
        assert finding.p_value == pytest.approx(exact, rel=0.15)
