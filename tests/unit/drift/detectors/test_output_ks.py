from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from growlearn.drift.detectors.output_ks import output_ks


def test_the_statistic_is_the_largest_gap_between_the_two_distributions(make_sample: Any) -> None:
    reference = make_sample(outputs=[[0.1], [0.2], [0.3], [0.4]])
    query = make_sample(outputs=[[0.3], [0.4], [0.5], [0.6]])
    (result,) = output_ks(reference, query, 0.05)
    assert result.statistic == 0.5  # at 0.2, half of the reference and none of the query is below
    assert result.effect == result.statistic


def test_two_outputs_mirror_each_other_and_agree(make_sample: Any) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.uniform(size=100), rng.beta(2, 1, size=150)
    reference, query = (make_sample(outputs=np.stack([some, 1 - some], 1)) for some in (first, second))
    left, right = output_ks(reference, query, 0.05)
    assert left.statistic == pytest.approx(right.statistic)
    assert left.threshold == right.threshold == 0.025


def test_p_values_are_close_to_the_exact_ones(make_sample: Any) -> None:
    rng = np.random.default_rng(1)
    for rows, shift in ((40, 0.0), (40, 0.5), (200, 0.2)):
        reference, query = rng.normal(size=(rows, 1)), rng.normal(shift, size=(rows + 7, 1))
        (result,) = output_ks(make_sample(outputs=reference), make_sample(outputs=query), 0.05)
        exact = ks_2samp(reference[:, 0], query[:, 0], method="exact").pvalue
        assert result.p_value == pytest.approx(exact, rel=0.15)


def test_saturated_outputs_are_compared(make_sample: Any) -> None:
    sure = np.zeros((100, 2), dtype=np.float32)
    sure[:, 0] = 1
    sure[:3] = [0, 1]
    reversed_rows, opposite = make_sample(outputs=sure[::-1]), make_sample(outputs=1 - sure)
    assert not any(result.rejected for result in output_ks(make_sample(outputs=sure), reversed_rows, 0.05))
    assert all(result.rejected for result in output_ks(make_sample(outputs=sure), opposite, 1e-6))


def test_results_are_named_by_the_label_of_their_class(make_sample: Any) -> None:
    sample = make_sample(outputs=[[0.1, 0.9], [0.4, 0.6]], classes=(7, "cat"))
    names = [result.name for result in output_ks(sample, sample, 0.05)]
    assert names == ["output of class 7", "output of class cat"]
