from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from growlearn.domain.interval import wilson


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    rows = draw(st.integers(1, 10**6))
    return draw(st.integers(0, rows)), rows


@given(counts())
def test_an_interval_contains_the_share_and_lies_within_0_and_1(count: tuple[int, int]) -> None:
    correct, rows = count
    interval = wilson(correct, rows)
    assert 0 <= interval.low <= correct / rows <= interval.high <= 1
    assert interval.low < interval.high


@given(counts())
def test_right_and_wrong_answers_mirror_each_other(count: tuple[int, int]) -> None:
    correct, rows = count
    mirrored = wilson(rows - correct, rows)
    assert wilson(correct, rows).low == pytest.approx(1 - mirrored.high, abs=1e-12)


@pytest.mark.parametrize(("correct", "rows"), [(0, 1), (1, 1), (0, 50), (50, 50), (7, 10), (953, 1000)])
def test_scipy_says_the_same(correct: int, rows: int) -> None:
    theirs = binomtest(correct, rows).proportion_ci(0.95, method="wilson")
    ours = wilson(correct, rows)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_by_hand() -> None:
    """Of 10 rows 5: z^2/n = 0.38415, so 0.5 -+ 1.95996 sqrt(0.025 + 0.0096036) / 1.38415."""
    interval = wilson(5, 10)
    assert interval.low == pytest.approx(0.2366, abs=1e-4)
    assert interval.high == pytest.approx(0.7634, abs=1e-4)


@pytest.mark.parametrize(("correct", "rows"), [(0, 0), (3, 2), (-1, 2)])
def test_what_is_no_share_is_refused(correct: int, rows: int) -> None:
    with pytest.raises(ValueError, match=rf"{correct} of {rows} rows is no share"):
        wilson(correct, rows)
