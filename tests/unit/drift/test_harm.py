"""Whether labels say that the answers got worse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.drift.harm import _bounds_of_difference, harm_of


def test_more_errors_than_on_the_reference_are_harm(make_side: Any) -> None:
    harm = harm_of(make_side(400, wrong=20), make_side(200, wrong=60), 30)
    assert harm is not None
    assert harm.rise == pytest.approx(0.3 - 0.05)
    assert harm.p_value < 1e-9
    assert 0.15 < harm.lowest < harm.rise < harm.highest < 0.35


def test_as_many_errors_are_none(make_side: Any) -> None:
    harm = harm_of(make_side(400, wrong=40), make_side(200, wrong=20), 30)
    assert harm is not None
    assert harm.p_value > 0.4
    assert harm.lowest < 0 < harm.highest


def test_only_labelled_rows_count(make_side: Any) -> None:
    harm = harm_of(make_side(400), make_side(200, wrong=10, labelled=40), 30)
    assert harm is not None
    assert (harm.errors, harm.rows) == (10, 40)


@pytest.mark.parametrize("few", ["reference", "window"])
def test_too_few_labels_say_nothing(make_side: Any, few: str) -> None:
    sides = {"reference": make_side(), "window": make_side()} | {few: make_side(200, labelled=29)}
    assert harm_of(sides["reference"], sides["window"], 30) is None


def test_the_bounds_are_those_of_newcombe() -> None:
    # Newcombe 1998, table II, method 10, 56/70 against 48/80: 0.0524 to 0.3339 at 95 % two-sided, which is
    # wider than each bound's own 95 %.
    lowest, highest = _bounds_of_difference(56, 70, 48, 80)
    assert 0.0524 < lowest < 0.2 < highest < 0.3339


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_bounds_hold_the_difference_and_stay_possible(rows: int, there: int, data: st.DataObject) -> None:
    errors, errors_there = data.draw(st.integers(0, rows)), data.draw(st.integers(0, there))
    lowest, highest = _bounds_of_difference(errors, rows, errors_there, there)
    assert -1 - 1e-9 <= lowest <= errors / rows - errors_there / there <= highest <= 1 + 1e-9
