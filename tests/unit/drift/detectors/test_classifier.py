from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom

from growlearn.drift.detectors.classifier import classifier


def normal(seed: int, rows: int, mean: float = 0.0) -> Any:
    return np.random.default_rng(seed).normal(mean, size=(rows, 3))


def test_sides_that_lie_apart_are_told_apart_without_an_error(make_sample: Any) -> None:
    (finding,) = classifier(
        make_sample(features=normal(0, 60)), make_sample(features=normal(1, 20, 9)), 0.001
    )
    assert (finding.statistic, finding.effect) == (1, 1)
    assert finding.p_value == pytest.approx(2 * hypergeom.pmf(10, 40, 10, 10))
    assert finding.rejected


def test_the_smaller_side_is_not_drowned_by_the_larger(make_sample: Any) -> None:
    (finding,) = classifier(
        make_sample(features=normal(0, 1900)), make_sample(features=normal(1, 100, 1)), 0.05
    )
    assert finding.statistic == pytest.approx(0.81, abs=0.06)  # Phi(sqrt(3) / 2), the best there is
    assert finding.rejected


def test_features_of_any_unit_and_constant_ones_do_no_harm(make_sample: Any) -> None:
    units = [1e6, 1e-6, 0]
    reference, query = normal(0, 80) * units, normal(1, 80, 2) * units
    (finding,) = classifier(make_sample(features=reference), make_sample(features=query), 0.001)
    assert finding.rejected
