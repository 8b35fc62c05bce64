from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.job import GrowthSpec
from growlearn.growth.schedule import pace

SPEC = GrowthSpec(epochs=20, patience=3, learning_rate=0.1)


def test_the_rate_rises_then_falls_to_zero_at_the_last_epoch() -> None:
    course = pace(SPEC, 1.0, [])
    rates = [course.rate(done / 10) for done in range(201)]
    assert course.last == 20
    assert max(rates) == rates[20] == pytest.approx(0.1)
    assert all(a < b for a, b in pairwise(rates[:21]))
    assert all(a > b for a, b in pairwise(rates[20:]))
    assert rates[-1] == pytest.approx(0)


def test_a_loss_that_stalls_brings_the_rate_down_to_zero_and_ends_training() -> None:
    course = pace(SPEC, 1.0, [0.9, 0.8, 0.85, 0.85, 0.85])
    assert (course.stalled, course.last) == (5, 8)
    assert course.rate(4.9) == pace(SPEC, 1.0, []).rate(4.9)
    rates = [course.rate(done) for done in (5, 6, 7, 8)]
    assert rates == pytest.approx([rates[0] * share for share in (1, 2 / 3, 1 / 3, 0)])


def test_a_better_loss_while_the_rate_falls_does_not_lengthen_training() -> None:
    stalled = [0.9, 0.8, 0.85, 0.85, 0.85]
    assert pace(SPEC, 1.0, [*stalled, 0.1, 0.05]) == pace(SPEC, 1.0, stalled)


def test_a_loss_that_never_falls_below_that_at_birth_stalls_too() -> None:
    assert pace(SPEC, 0.5, [0.9, 0.8, 0.7]).last == 6
    assert pace(SPEC, 0.5, [float("nan")] * 3).last == 6


@given(st.lists(st.floats(0, 10), max_size=30), st.integers(1, 12), st.integers(1, 5), st.floats(0, 10))
def test_training_always_ends_in_time_and_the_past_is_never_rewritten(
    losses: list[float], epochs: int, patience: int, birth: float
) -> None:
    spec = GrowthSpec(epochs=epochs, patience=patience)
    done = 0
    while done < (course := pace(spec, birth, losses[:done])).last and done < len(losses):
        assert 0 <= course.rate(done) <= spec.learning_rate
        done += 1
    assert done <= course.last <= epochs
    for earlier in range(done):
        assert pace(spec, birth, losses[:earlier]).rate(earlier) == pytest.approx(course.rate(earlier))
