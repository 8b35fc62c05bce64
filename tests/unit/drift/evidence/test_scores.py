from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, ks_2samp

from growlearn.domain.errors import GrowLearnError
from growlearn.drift.detectors.finding import CannotJudge
from growlearn.drift.evidence.budget import at_a_rate, for_life
from growlearn.drift.evidence.carry import Evidence, Floats
from growlearn.drift.evidence.scores import ScoreMonitor, monitor_scores, read_scores
from growlearn.drift.evidence.shapes import VALUES

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


def monitor(rows: int = 1000, scores: int = 3, min_effect: float = 0.0) -> ScoreMonitor:
    names = [f"s{at}" for at in range(scores)]
    return monitor_scores(normal(0, rows, scores), names, for_life(0.05), min_effect)


def ever_alarms(watched: ScoreMonitor, draw: Draw, rng: np.random.Generator, windows: int) -> bool:
    evidence = watched.start()
    for _ in range(windows):
        reading = read_scores(watched, evidence, draw(rng, 60))
        if reading.alarm:  # whoever reads after every window may stop here
            return True
        evidence = reading.evidence
    return False


@pytest.mark.parametrize("law", LAWS)
def test_a_stable_stream_read_after_every_window_keeps_to_alpha(law: str) -> None:
    rng, streams = np.random.default_rng(1), 60
    alarms = sum(
        ever_alarms(monitor_scores(LAWS[law](rng, 50), "ab", for_life(ALPHA)), LAWS[law], rng, 60)
        for _ in range(streams)
    )
    assert alarms <= binom.ppf(0.999, streams, ALPHA)


def test_bets_that_forget_the_references_sampling_error_break_alpha() -> None:
    rng, draw, streams, alarms = np.random.default_rng(2), LAWS["smooth"], 30, 0
    for _ in range(streams):
        watched = monitor_scores(draw(rng, 50), "ab", for_life(ALPHA))
        alarms += ever_alarms(replace(watched, ceilings=VALUES.mean(1)), draw, rng, 60)
    assert alarms > binom.ppf(0.999, streams, ALPHA)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 80))
def test_restarts_between_windows_change_no_bit(seed: int, rows: int) -> None:
    watched = monitor(rows=100)
    straight, restarted = watched.start(), watched.start()
    for window in range(3):
        scores = normal(seed + window, rows)
        straight = read_scores(watched, straight, scores).evidence
        kept = read_scores(monitor(rows=100), restarted, scores).evidence.to_json()
        restarted = Evidence.from_json(kept)
    assert restarted == straight


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 80))
def test_order_of_rows_and_units_of_scores_change_no_bit(seed: int, rows: int) -> None:
    reference, scores = normal(seed, 64), normal(seed + 1, rows)
    plain = monitor_scores(reference, "abc", for_life(0.05))
    scaled = monitor_scores(8 * reference, "abc", for_life(0.05))
    expected = read_scores(plain, plain.start(), scores).evidence.log_wealth
    shuffled = np.random.default_rng(seed).permutation(scores)
    assert read_scores(plain, plain.start(), shuffled).evidence.log_wealth == expected
    assert read_scores(scaled, scaled.start(), 8 * scores).evidence.log_wealth == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(LAWS)))
def test_a_window_in_two_halves_has_no_less_evidence_than_whole(seed: int, law: str) -> None:
    rng = np.random.default_rng(seed)
    watched = monitor_scores(LAWS[law](rng, 40), "ab", for_life(0.05))
    scores = LAWS[law](rng, 50)
    whole = read_scores(watched, watched.start(), scores).evidence
    half = read_scores(watched, watched.start(), scores[:20]).evidence
    halves = read_scores(watched, half, scores[20:]).evidence
    assert (np.array(halves.log_wealth) >= np.array(whole.log_wealth) - 1e-9).all()


@pytest.mark.parametrize("law", LAWS)
def test_the_effect_is_the_kolmogorov_smirnov_distance(law: str) -> None:
    rng = np.random.default_rng(4)
    reference, scores = LAWS[law](rng, 70), LAWS[law](rng, 45)
    watched = monitor_scores(reference, "ab", for_life(0.05))
    moved = {score.name: score.effect for score in read_scores(watched, watched.start(), scores).moved}
    for at, name in enumerate("ab"):
        exact = ks_2samp(reference[:, at], scores[:, at], method="asymp").statistic
        assert moved[name] == pytest.approx(exact, abs=1e-12)


def windows_until_alarm(watched: ScoreMonitor, change: Callable[[Floats], Floats], stable: int = 50) -> int:
    evidence = watched.start()
    for window in range(stable):
        evidence = read_scores(watched, evidence, normal(100 + window, 500)).evidence
    assert evidence.alarmed_at is None
    for window in range(1, 21):
        reading = read_scores(watched, evidence, change(normal(900 + window, 500)))
        evidence = reading.evidence
        if reading.alarm:
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
def test_drift_after_a_stable_stretch_alarms_soon(change: Callable[[Floats], Floats], windows: int) -> None:
    assert windows_until_alarm(monitor(rows=2000), change) <= windows


def test_a_reading_names_what_moved_most_and_how() -> None:
    watched = monitor()
    stable = read_scores(watched, watched.start(), normal(5, 200))
    assert not stable.alarm
    scores = normal(6, 200) + np.array([0, 0, -1.0])
    reading = read_scores(watched, stable.evidence, scores)
    assert reading.alarm
    assert (reading.moved[0].name, reading.moved[0].how) == ("s2", "lower")
    assert reading.moved[0].effect > 0.3 > reading.moved[1].effect
    assert reading.moved[0].leapt
    assert reading.told().startswith("s2 moved most (lower, by 0.")
    again = read_scores(watched, reading.evidence, normal(7, 200))
    assert again.alarm
    assert again.told().endswith("alarm since its window 2")


def test_a_drift_below_the_smallest_effect_is_never_an_alarm() -> None:
    def any_alarm(min_effect: float) -> bool:
        watched = monitor(rows=2000, min_effect=min_effect)
        evidence = watched.start()
        for window in range(20):
            evidence = read_scores(watched, evidence, normal(window, 5000, shift=0.3)).evidence
        return evidence.alarmed_at is not None

    assert any_alarm(0.0)
    assert not any_alarm(0.12)  # a shift of 0.3 is a distance of 0.119


def test_at_a_rate_evidence_alarms_and_single_windows_do_not() -> None:
    watched = monitor_scores(normal(0, 1000), "abc", at_a_rate(1, 90))
    reading = read_scores(watched, watched.start(), normal(1, 500))
    assert not reading.alarm
    reading = read_scores(watched, reading.evidence, normal(2, 500, shift=1.0))
    assert reading.alarm
    assert not any(score.leapt for score in reading.moved)


def test_a_constant_score_among_others_alarms_once_it_moves() -> None:
    reference = normal(0, 200)
    reference[:, 1] = 7
    watched = monitor_scores(reference, "abc", for_life(0.05))
    scores = normal(1, 200)
    scores[:, 1] = 7
    reading = read_scores(watched, watched.start(), scores)
    assert not reading.alarm
    scores[:, 1] = 8
    reading = read_scores(watched, reading.evidence, scores)
    assert reading.alarm
    assert (reading.moved[0].name, reading.moved[0].effect) == ("b", 1.0)


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (normal(0, 29), "29 rows; at least 30"),
        (np.full((50, 3), 0.5), "all 50 reference rows the same scores"),
        (np.where(np.arange(50)[:, None] < 2, np.nan, 1.0), "2 of 50 reference rows are not finite"),
    ],
)
def test_a_reference_that_says_nothing_cannot_judge(reference: Floats, reason: str) -> None:
    with pytest.raises(CannotJudge, match=reason):
        monitor_scores(reference, "abc", for_life(0.05))


def test_a_window_that_says_nothing_cannot_judge() -> None:
    watched = monitor(rows=50)
    with pytest.raises(CannotJudge, match="no rows"):
        read_scores(watched, watched.start(), np.empty((0, 3)))
    with pytest.raises(CannotJudge, match="1 of 4 window rows are not finite"):
        read_scores(watched, watched.start(), np.array([[0.0, 1, 2]] * 3 + [[0, np.inf, 2]]))


def test_one_row_is_judged_and_is_no_alarm() -> None:
    watched = monitor(rows=50)
    assert not read_scores(watched, watched.start(), np.full((1, 3), 99.0)).alarm


def test_evidence_of_another_reference_or_budget_is_refused() -> None:
    watched = monitor(rows=50)
    for other in (monitor(rows=51), monitor(rows=50, min_effect=0.1)):
        with pytest.raises(GrowLearnError, match="another reference"):
            read_scores(watched, other.start(), normal(1, 10))
