from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, ks_2samp

from growlearn.domain.drift import EProcess
from growlearn.domain.errors import GrowLearnError
from growlearn.drift.detectors.result import Inconclusive
from growlearn.drift.sequential.alpha_budget import make_lifetime_budget, make_per_period_budget
from growlearn.drift.sequential.betting_functions import BETTING_VALUES
from growlearn.drift.sequential.conformal_martingale import (
    ScoreMonitor,
    make_score_monitor,
    update_with_scores,
)
from growlearn.drift.sequential.e_process import Floats
from tests.unit.json_column import store_and_read

ALPHA = 0.2
Draw = Callable[[np.random.Generator, int], Floats]
LAWS: dict[str, Draw] = {
    "smooth": lambda rng, rows: rng.normal(size=(rows, 2)),
    "tied": lambda rng, rows: rng.binomial(3, (0.2, 0.9), size=(rows, 2)).astype(float),
    "half tied": lambda rng, rows: np.maximum(rng.normal(size=(rows, 2)), 0),
    "dependent": lambda rng, rows: np.repeat(rng.normal(size=(rows, 1)), 2, axis=1),
}


def normal(seed: int, rows: int, scores: int = 3, shift: float = 0.0) -> Floats:
    return np.random.default_rng(seed).normal(shift, size=(rows, scores))


def monitor(rows: int = 1000, scores: int = 3, min_effect_size: float = 0.0) -> ScoreMonitor:
    names = [f"s{k}" for k in range(scores)]
    return make_score_monitor(normal(0, rows, scores), names, make_lifetime_budget(0.05), min_effect_size)


def ever_alarms(score_monitor: ScoreMonitor, draw: Draw, rng: np.random.Generator, windows: int) -> bool:
    e_process = score_monitor.initial_e_process()
    for _ in range(windows):
        update = update_with_scores(score_monitor, e_process, draw(rng, 60))
        if update.alarm:  # the test may stop after any window
            return True
        e_process = update.e_process
    return False


@pytest.mark.parametrize("law", LAWS)
def test_a_stable_stream_checked_after_every_window_keeps_to_alpha(law: str) -> None:
    rng, streams = np.random.default_rng(1), 60
    alarms = sum(
        ever_alarms(
            make_score_monitor(LAWS[law](rng, 50), "ab", make_lifetime_budget(ALPHA)), LAWS[law], rng, 60
        )
        for _ in range(streams)
    )
    assert alarms <= binom.ppf(0.999, streams, ALPHA)


def test_bets_that_ignore_the_references_sampling_error_exceed_alpha() -> None:
    rng, draw, streams, alarms = np.random.default_rng(2), LAWS["smooth"], 30, 0
    for _ in range(streams):
        score_monitor = make_score_monitor(draw(rng, 50), "ab", make_lifetime_budget(ALPHA))
        alarms += ever_alarms(replace(score_monitor, upper_bounds=BETTING_VALUES.mean(1)), draw, rng, 60)
    assert alarms > binom.ppf(0.999, streams, ALPHA)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 80))
def test_restarts_between_windows_change_no_bit(seed: int, rows: int) -> None:
    score_monitor = monitor(rows=100)
    straight, restarted = score_monitor.initial_e_process(), score_monitor.initial_e_process()
    for window in range(3):
        scores = normal(seed + window, rows)
        straight = update_with_scores(score_monitor, straight, scores).e_process
        updated = update_with_scores(monitor(rows=100), restarted, scores).e_process
        restarted = store_and_read(EProcess, updated)
    assert restarted == straight


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 80))
def test_order_of_rows_and_units_of_scores_change_no_bit(seed: int, rows: int) -> None:
    reference, scores = normal(seed, 64), normal(seed + 1, rows)
    plain = make_score_monitor(reference, "abc", make_lifetime_budget(0.05))
    scaled = make_score_monitor(8 * reference, "abc", make_lifetime_budget(0.05))
    expected = update_with_scores(plain, plain.initial_e_process(), scores).e_process.log_wealth
    shuffled = np.random.default_rng(seed).permutation(scores)
    assert update_with_scores(plain, plain.initial_e_process(), shuffled).e_process.log_wealth == expected
    assert update_with_scores(scaled, scaled.initial_e_process(), 8 * scores).e_process.log_wealth == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(LAWS)))
def test_a_window_in_two_halves_has_no_less_evidence_than_whole(seed: int, law: str) -> None:
    rng = np.random.default_rng(seed)
    score_monitor = make_score_monitor(LAWS[law](rng, 40), "ab", make_lifetime_budget(0.05))
    scores = LAWS[law](rng, 50)
    whole = update_with_scores(score_monitor, score_monitor.initial_e_process(), scores).e_process
    half = update_with_scores(score_monitor, score_monitor.initial_e_process(), scores[:20]).e_process
    halves = update_with_scores(score_monitor, half, scores[20:]).e_process
    assert (np.array(halves.log_wealth) >= np.array(whole.log_wealth) - 1e-9).all()


@pytest.mark.parametrize("law", LAWS)
def test_the_effect_is_the_kolmogorov_smirnov_distance(law: str) -> None:
    rng = np.random.default_rng(4)
    reference, scores = LAWS[law](rng, 70), LAWS[law](rng, 45)
    score_monitor = make_score_monitor(reference, "ab", make_lifetime_budget(0.05))
    effects = {
        score.name: score.effect
        for score in update_with_scores(
            score_monitor, score_monitor.initial_e_process(), scores
        ).shifted_scores
    }
    for k, name in enumerate("ab"):
        exact = ks_2samp(reference[:, k], scores[:, k], method="asymp").statistic
        assert effects[name] == pytest.approx(exact, abs=1e-12)


def windows_until_alarm(
    score_monitor: ScoreMonitor, change: Callable[[Floats], Floats], stable: int = 50
) -> int:
    e_process = score_monitor.initial_e_process()
    for window in range(stable):
        e_process = update_with_scores(score_monitor, e_process, normal(100 + window, 500)).e_process
    assert e_process.first_alarm_window is None
    for window in range(1, 21):
        update = update_with_scores(score_monitor, e_process, change(normal(900 + window, 500)))
        e_process = update.e_process
        if update.alarm:
            return window
    raise AssertionError("no alarm in 20 windows")


@pytest.mark.parametrize(
    ("change", "windows"),
    [
        (lambda scores: scores + np.array([0, 0.6, 0]), 1),
        (lambda scores: scores - np.array([0, 0.3, 0]), 4),
        (lambda scores: scores * np.array([1, 2, 1]), 1),
        (lambda scores: scores * np.array([1, 0.5, 1]), 2),
        (lambda scores: np.where(np.arange(500)[:, None] < 60, scores + np.array([0, 9, 0]), scores), 1),
    ],
    ids=["up", "a little down", "wider", "narrower", "an eighth of the rows new"],
)
def test_drift_after_a_stable_period_alarms_soon(change: Callable[[Floats], Floats], windows: int) -> None:
    assert windows_until_alarm(monitor(rows=2000), change) <= windows


def test_an_update_names_the_strongest_shift_and_its_direction() -> None:
    score_monitor = monitor()
    stable = update_with_scores(score_monitor, score_monitor.initial_e_process(), normal(5, 200))
    assert not stable.alarm
    scores = normal(6, 200) + np.array([0, 0, -1.0])
    update = update_with_scores(score_monitor, stable.e_process, scores)
    assert update.alarm
    assert (update.shifted_scores[0].name, update.shifted_scores[0].direction) == ("s2", "lower")
    assert update.shifted_scores[0].effect > 0.3 > update.shifted_scores[1].effect
    assert update.shifted_scores[0].alarmed_alone
    assert update.describe().startswith("s2 moved most (lower, by 0.")
    later = update_with_scores(score_monitor, update.e_process, normal(7, 200))
    assert later.alarm
    assert later.describe().endswith("alarm since its window 2")


def test_a_drift_below_the_minimum_effect_size_is_never_an_alarm() -> None:
    def any_alarm(min_effect_size: float) -> bool:
        score_monitor = monitor(rows=2000, min_effect_size=min_effect_size)
        e_process = score_monitor.initial_e_process()
        for window in range(20):
            e_process = update_with_scores(
                score_monitor, e_process, normal(window, 5000, shift=0.3)
            ).e_process
        return e_process.first_alarm_window is not None

    assert any_alarm(0.0)
    assert not any_alarm(0.12)  # a shift of 0.3 is a distance of 0.119


def test_with_a_per_period_budget_single_windows_do_not_alarm() -> None:
    score_monitor = make_score_monitor(normal(0, 1000), "abc", make_per_period_budget(1, 90))
    update = update_with_scores(score_monitor, score_monitor.initial_e_process(), normal(1, 500))
    assert not update.alarm
    update = update_with_scores(score_monitor, update.e_process, normal(2, 500, shift=1.0))
    assert update.alarm
    assert not any(score.alarmed_alone for score in update.shifted_scores)


def test_a_constant_score_among_others_alarms_once_it_shifts() -> None:
    reference = normal(0, 200)
    reference[:, 1] = 7
    score_monitor = make_score_monitor(reference, "abc", make_lifetime_budget(0.05))
    scores = normal(1, 200)
    scores[:, 1] = 7
    update = update_with_scores(score_monitor, score_monitor.initial_e_process(), scores)
    assert not update.alarm
    scores[:, 1] = 8
    update = update_with_scores(score_monitor, update.e_process, scores)
    assert update.alarm
    assert (update.shifted_scores[0].name, update.shifted_scores[0].effect) == ("b", 1.0)


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (normal(0, 29), "29 rows; at least 30"),
        (np.full((50, 3), 0.5), "all 50 reference rows the same scores"),
        (np.where(np.arange(50)[:, None] < 2, np.nan, 1.0), "2 of 50 reference rows are not finite"),
    ],
)
def test_an_invalid_reference_is_inconclusive(reference: Floats, reason: str) -> None:
    with pytest.raises(Inconclusive, match=reason):
        make_score_monitor(reference, "abc", make_lifetime_budget(0.05))


def test_an_invalid_window_is_inconclusive() -> None:
    score_monitor = monitor(rows=50)
    with pytest.raises(Inconclusive, match="no rows"):
        update_with_scores(score_monitor, score_monitor.initial_e_process(), np.empty((0, 3)))
    with pytest.raises(Inconclusive, match="1 of 4 window rows are not finite"):
        update_with_scores(
            score_monitor, score_monitor.initial_e_process(), np.array([[0.0, 1, 2]] * 3 + [[0, np.inf, 2]])
        )


def test_one_row_is_judged_and_is_no_alarm() -> None:
    score_monitor = monitor(rows=50)
    assert not update_with_scores(
        score_monitor, score_monitor.initial_e_process(), np.full((1, 3), 99.0)
    ).alarm


def test_an_e_process_of_another_reference_or_budget_is_an_error() -> None:
    score_monitor = monitor(rows=50)
    for other in (monitor(rows=51), monitor(rows=50, min_effect_size=0.1)):
        with pytest.raises(GrowLearnError, match="another reference"):
            update_with_scores(score_monitor, other.initial_e_process(), normal(1, 10))
