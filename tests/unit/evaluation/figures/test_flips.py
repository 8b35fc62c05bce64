from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.evaluation.figures.flips import Flips, flips

RIGHT = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50)


def test_by_hand() -> None:
    before = np.array([True, True, True, False, False, False, False])
    after = np.array([True, False, False, True, False, False, False])
    found = flips(before, after)
    assert found == Flips(negative=2, positive=1, rows=7)
    assert (found.negative_rate, found.positive_rate) == (2 / 7, 1 / 7)


@given(RIGHT)
def test_what_the_accuracy_gains_is_the_difference_of_the_two_rates(pairs: list[tuple[bool, bool]]) -> None:
    before, after = np.array(pairs).T
    found = flips(before, after)
    assert found.positive_rate - found.negative_rate == pytest.approx(after.mean() - before.mean())
    assert 0 <= found.negative_rate <= 1 - after.mean() + 1e-12


@given(RIGHT)
def test_a_model_that_answers_as_before_flips_nothing(pairs: list[tuple[bool, bool]]) -> None:
    before = np.array(pairs)[:, 0]
    assert flips(before, before.copy()) == Flips(negative=0, positive=0, rows=len(before))


def test_answers_to_other_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="2 answers before and 3 after are not of the same rows"):
        flips(np.array([True, False]), np.array([True, False, True]))
