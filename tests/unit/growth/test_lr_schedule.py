from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.growth_config import GrowthConfig
from growlearn.growth.lr_schedule import make_lr_schedule

CONFIG = GrowthConfig(epochs=20, patience=3, learning_rate=0.1)


def test_the_rate_rises_then_falls_to_zero_at_the_last_epoch() -> None:
    schedule = make_lr_schedule(CONFIG, 1.0, [])
    rates = [schedule.learning_rate_at(done / 10) for done in range(201)]
    assert schedule.last_epoch == 20
    assert max(rates) == rates[20] == pytest.approx(0.1)
    assert all(a < b for a, b in pairwise(rates[:21]))
    assert all(a > b for a, b in pairwise(rates[20:]))
    assert rates[-1] == pytest.approx(0)


def test_a_loss_that_stalls_brings_the_rate_down_to_zero_and_ends_training() -> None:
    schedule = make_lr_schedule(CONFIG, 1.0, [0.9, 0.8, 0.85, 0.85, 0.85])
    assert (schedule.plateau_epoch, schedule.last_epoch) == (5, 8)
    assert schedule.learning_rate_at(4.9) == make_lr_schedule(CONFIG, 1.0, []).learning_rate_at(4.9)
    rates = [schedule.learning_rate_at(done) for done in (5, 6, 7, 8)]
    assert rates == pytest.approx([rates[0] * share for share in (1, 2 / 3, 1 / 3, 0)])


def test_a_better_loss_while_the_rate_falls_does_not_lengthen_training() -> None:
    stalled = [0.9, 0.8, 0.85, 0.85, 0.85]
    assert make_lr_schedule(CONFIG, 1.0, [*stalled, 0.1, 0.05]) == make_lr_schedule(CONFIG, 1.0, stalled)


def test_a_loss_that_never_falls_below_the_initial_one_stalls_too() -> None:
    assert make_lr_schedule(CONFIG, 0.5, [0.9, 0.8, 0.7]).last_epoch == 6
    assert make_lr_schedule(CONFIG, 0.5, [float("nan")] * 3).last_epoch == 6


@given(st.lists(st.floats(0, 10), max_size=30), st.integers(1, 12), st.integers(1, 5), st.floats(0, 10))
def test_training_always_ends_in_time_and_past_rates_never_change(
    losses: list[float], epochs: int, patience: int, initial_loss: float
) -> None:
    config = GrowthConfig(epochs=epochs, patience=patience)
    done = 0
    while done < (
        schedule := make_lr_schedule(config, initial_loss, losses[:done])
    ).last_epoch and done < len(losses):
        assert 0 <= schedule.learning_rate_at(done) <= config.learning_rate
        done += 1
    assert done <= schedule.last_epoch <= epochs
    for earlier in range(done):
        assert make_lr_schedule(config, initial_loss, losses[:earlier]).learning_rate_at(
            earlier
        ) == pytest.approx(schedule.learning_rate_at(earlier))
