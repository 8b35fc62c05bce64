from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp

from growlearn.drift.detectors.kolmogorov import Values, kolmogorov_smirnov


def _equals_scipy(reference: Values, query: Values) -> None:
    distances, p_values = kolmogorov_smirnov(reference, query)
    theirs = [ks_2samp(*pair, method="asymp") for pair in zip(reference.T, query.T, strict=True)]
    np.testing.assert_allclose(distances, [test.statistic for test in theirs], rtol=0, atol=1e-12)
    np.testing.assert_allclose(p_values, [test.pvalue for test in theirs], rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "others"), [(2000, 500), (37, 41), (2, 900), (1, 3)])
def test_figures_are_those_of_scipy(rows: int, others: int, dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(rows)
    shifts = np.array([0.0, 0.05, 0.3, 5.0])
    reference, query = rng.normal(size=(rows, 4)), rng.normal(shifts, size=(others, 4))
    _equals_scipy(reference.astype(dtype), query.astype(dtype))


def test_ties_within_and_across_both_sides_count_as_in_scipy() -> None:
    rng = np.random.default_rng(0)
    reference, query = rng.integers(0, [2, 5, 200], (300, 3)), rng.integers(0, [2, 4, 220], (170, 3))
    _equals_scipy(reference / 7, query / 7)
    _equals_scipy(reference, query)


def test_columns_that_are_all_alike_or_all_apart() -> None:
    distances, p_values = kolmogorov_smirnov(
        np.array([[0.0, 0.0]] * 50), np.array([[0.0, 1.0]] * 40)
    )  # the first is the same on both sides, the second shares no value
    assert distances.tolist() == [0.0, 1.0]
    assert p_values[0] == 1.0
    assert p_values[1] < 1e-15


@given(
    *(
        arrays(
            np.float64,
            st.tuples(st.integers(2, 30), st.just(2)),
            elements=st.sampled_from([-1.0, -0.0, 0.0, 0.5, 3e300]),
        )
        for _ in range(2)
    )
)
@settings(max_examples=60, deadline=None)
def test_any_tied_samples(reference: Values, query: Values) -> None:
    _equals_scipy(reference, query)
