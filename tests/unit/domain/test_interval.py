from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from growlearn.domain.interval import wilson_interval


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    rows = draw(st.integers(1, 10**6))
    return draw(st.integers(0, rows)), rows


@given(counts())
def test_an_interval_contains_the_share_and_lies_within_0_and_1(count: tuple[int, int]) -> None:
    correct, rows = count
    interval = wilson_interval(correct, rows)
    assert 0 <= interval.low <= correct / rows <= interval.high <= 1
    assert interval.low < interval.high


@given(counts())
def test_correct_and_wrong_answers_mirror_each_other(count: tuple[int, int]) -> None:
    correct, rows = count
    mirrored = wilson_interval(rows - correct, rows)
    assert wilson_interval(correct, rows).low == pytest.approx(1 - mirrored.high, abs=1e-12)


@pytest.mark.parametrize(("correct", "rows"), [(0, 1), (1, 1), (0, 50), (50, 50), (7, 10), (953, 1000)])
def test_scipy_gives_the_same_interval(correct: int, rows: int) -> None:
    expected = binomtest(correct, rows).proportion_ci(0.95, method="wilson")
    interval = wilson_interval(correct, rows)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_by_hand() -> None:
    """Of 10 rows 5: z^2/n = 0.38415, so 0.5 -+ 1.95996 sqrt(0.025 + 0.0096036) / 1.38415."""
    interval = wilson_interval(5, 10)
    assert interval.low == pytest.approx(0.2366, abs=1e-4)
    assert interval.high == pytest.approx(0.7634, abs=1e-4)


@pytest.mark.parametrize(("correct", "rows"), [(0, 0), (3, 2), (-1, 2)])
def test_an_invalid_share_is_rejected(correct: int, rows: int) -> None:
    with pytest.raises(ValueError, match=rf"{correct} of {rows} rows is no share"):
        wilson_interval(correct, rows)
