"""Whether the error rate on a window's labelled rows rose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.drift import error_rate
from growlearn.drift.error_rate import _newcombe_interval, compare_error_rates

# Newcombe, Statistics in Medicine 1998, table II, method 10: x1 of n1 against x2 of n2, two-sided 95 %.
PUBLISHED_INTERVALS = [
    ((56, 70, 48, 80), (0.0524, 0.3339)),  # Wald (method 1): 0.0575 to 0.3425
    ((9, 10, 3, 10), (0.1705, 0.8090)),  # Wald: 0.2605 to 0.9395
    ((6, 7, 2, 7), (0.0582, 0.8062)),  # Wald: 0.1481 to 0.9947
    ((5, 56, 0, 29), (-0.0381, 0.1926)),  # Wald: 0.0146 to 0.1640
    ((0, 10, 0, 20), (-0.1611, 0.2775)),  # Wald: 0 to 0
    ((10, 10, 0, 20), (0.6791, 1.0)),  # Wald: 1 to 1
]

# The same formula at z = 1.644854 (one-sided 95 %), computed by hand: l and u of each rate p are the roots of
# (p - x/n)^2 = z^2 p (1 - p) / n; then d - hypot(p1 - l1, u2 - p2) and d + hypot(u1 - p1, p2 - l2).
# 56/70: l1 0.710871, u1 0.866802; 48/80: l2 0.508062, u2 0.685396; d 0.2.
ONE_SIDED_INTERVALS = [
    ((56, 70, 48, 80), (0.076564, 0.313645)),  # Wald: 0.0804 to 0.3196
    ((9, 10, 3, 10), (0.242112, 0.789624)),  # Wald: 0.3151 to 0.8849
    ((5, 56, 0, 29), (-0.007255, 0.172290)),  # Wald: 0.0266 to 0.1520
    ((0, 10, 0, 20), (-0.119158, 0.212942)),  # Wald: 0 to 0
    ((10, 10, 0, 20), (0.755986, 1.0)),  # Wald: 1 to 1
]


def test_more_errors_than_on_the_reference_are_an_increase(make_side: Any) -> None:
    change = compare_error_rates(make_side(400, wrong=20), make_side(200, wrong=60), 30)
    assert change is not None
    assert change.increase == pytest.approx(0.3 - 0.05)
    assert change.p_value < 1e-9
    # 60/200: l1 0.249660, u1 0.355679; 20/400: l2 0.034905, u2 0.071141. Wald: 0.1938 to 0.3062.
    assert (change.ci_low, change.ci_high) == pytest.approx((0.195401, 0.307689), abs=1e-6)


def test_equal_error_rates_are_no_increase(make_side: Any) -> None:
    change = compare_error_rates(make_side(400, wrong=40), make_side(200, wrong=20), 30)
    assert change is not None
    assert change.p_value > 0.4
    assert change.ci_low < 0 < change.ci_high


def test_only_labelled_rows_count(make_side: Any) -> None:
    change = compare_error_rates(make_side(400), make_side(200, wrong=10, labelled=40), 30)
    assert change is not None
    assert (change.window_errors, change.window_rows) == (10, 40)


@pytest.mark.parametrize("small_side", ["reference", "window"])
def test_too_few_labels_give_no_comparison(make_side: Any, small_side: str) -> None:
    sides = {"reference": make_side(), "window": make_side()} | {small_side: make_side(200, labelled=29)}
    assert compare_error_rates(sides["reference"], sides["window"], 30) is None


@pytest.mark.parametrize(("counts", "interval"), PUBLISHED_INTERVALS)
def test_the_bounds_are_the_published_ones_of_newcombe(
    counts: tuple[int, int, int, int], interval: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_rate, "_CONFIDENCE", 0.95)  # two-sided, as published
    assert _newcombe_interval(*counts) == pytest.approx(interval, abs=6e-5)


@pytest.mark.parametrize(("counts", "interval"), ONE_SIDED_INTERVALS)
def test_each_bound_has_95_percent_confidence(
    counts: tuple[int, int, int, int], interval: tuple[float, float]
) -> None:
    assert _newcombe_interval(*counts) == pytest.approx(interval, abs=1e-6)


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_bounds_contain_the_difference_and_stay_possible(
    rows: int, reference_rows: int, data: st.DataObject
) -> None:
    errors, reference_errors = data.draw(st.integers(0, rows)), data.draw(st.integers(0, reference_rows))
    ci_low, ci_high = _newcombe_interval(errors, rows, reference_errors, reference_rows)
    difference = errors / rows - reference_errors / reference_rows
    assert -1 - 1e-9 <= ci_low <= difference <= ci_high <= 1 + 1e-9
