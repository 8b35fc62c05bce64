from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom

from growlearn.drift.detectors.classifier_two_sample import classifier_two_sample


def normal(seed: int, rows: int, mean: float = 0.0) -> Any:
    return np.random.default_rng(seed).normal(mean, size=(rows, 3))


def test_separated_sides_are_classified_without_an_error(make_sample: Any) -> None:
    (result,) = classifier_two_sample(
        make_sample(features=normal(0, 60)), make_sample(features=normal(1, 20, 9)), 0.001
    )
    assert (result.statistic, result.effect) == (1, 1)
    assert result.p_value == pytest.approx(2 * hypergeom.pmf(10, 40, 10, 10))
    assert result.rejected


def test_an_imbalance_of_the_sides_is_corrected(make_sample: Any) -> None:
    (result,) = classifier_two_sample(
        make_sample(features=normal(0, 1900)), make_sample(features=normal(1, 100, 1)), 0.05
    )
    assert result.statistic == pytest.approx(0.81, abs=0.06)  # Phi(sqrt(3) / 2), the best there is
    assert result.rejected


def test_features_of_any_scale_and_constant_ones_are_handled(make_sample: Any) -> None:
    units = [1e6, 1e-6, 0]
    reference, query = normal(0, 80) * units, normal(1, 80, 2) * units
    (result,) = classifier_two_sample(make_sample(features=reference), make_sample(features=query), 0.001)
    assert result.rejected
