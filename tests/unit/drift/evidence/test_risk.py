from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from growlearn.domain.errors import GrowLearnError
from growlearn.drift.detectors.finding import CannotJudge
from growlearn.drift.evidence.budget import for_life
from growlearn.drift.evidence.carry import Evidence, Floats
from growlearn.drift.evidence.risk import RiskMonitor, monitor_risk, read_risk


def losses(seed: int, rows: int, risk: float) -> Floats:
    return (np.random.default_rng(seed).random(rows) < risk).astype(float)


def monitor(min_effect: float = 0.0) -> RiskMonitor:
    return monitor_risk(np.repeat([1, 0], [100, 900]), for_life(0.05), min_effect)


def test_the_ceiling_is_clopper_pearsons_bound_and_the_tolerance() -> None:
    bound = binomtest(100, 1000).proportion_ci(0.975, "exact").high  # 0.0125 on each side
    assert monitor(0.03).ceiling == pytest.approx(bound + 0.03)
    assert monitor().risk == 0.1


def test_a_stable_risk_read_after_every_window_keeps_to_alpha() -> None:
    streams, alarms = 150, 0
    for stream in range(streams):
        watched = monitor_risk(losses(stream, 50, 0.3), for_life(0.2))
        evidence = watched.start()
        for window in range(100):
            evidence = read_risk(watched, evidence, losses(1000 * stream + window, 40, 0.3)).evidence
        alarms += evidence.alarmed_at is not None
    assert alarms <= binom.ppf(0.999, streams, 0.2)


@pytest.mark.parametrize(("risk", "windows"), [(0.4, 1), (0.3, 2), (0.2, 7)])
def test_a_risen_risk_alarms_soon(risk: float, windows: int) -> None:
    watched = monitor()
    evidence = watched.start()
    for window in range(50):
        evidence = read_risk(watched, evidence, losses(window, 100, 0.1)).evidence
    assert evidence.alarmed_at is None
    risen = np.arange(100) < 100 * risk
    for _ in range(windows):
        evidence = read_risk(watched, evidence, risen).evidence
    assert evidence.alarmed_at is not None


def test_a_falling_risk_is_never_an_alarm() -> None:
    watched = monitor()
    reading = read_risk(watched, watched.start(), np.zeros(100_000))
    assert not reading.alarm
    assert (reading.moved[0].how, reading.moved[0].effect) == ("lower", -0.1)


def test_a_rise_below_the_smallest_effect_is_never_an_alarm() -> None:
    rows = losses(0, 200_000, 0.15)
    for min_effect, alarm in ((0.0, True), (0.06, False)):
        watched = monitor(min_effect)
        assert read_risk(watched, watched.start(), rows).alarm is alarm


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, float("nan")]), min_size=1), st.randoms())
def test_only_labelled_rows_count_in_any_order_and_through_json(values: list[float], random: object) -> None:
    watched = monitor()
    known = [value for value in values if not np.isnan(value)]
    if not known:
        with pytest.raises(CannotJudge, match="no row of the window has a label"):
            read_risk(watched, watched.start(), np.array(values))
        return
    reading = read_risk(watched, watched.start(), np.array(values))
    assert reading.evidence.rows == len(known)
    assert read_risk(watched, watched.start(), np.array(sorted(known))).evidence == reading.evidence
    kept = Evidence.from_json(reading.evidence.to_json())
    assert read_risk(watched, kept, np.ones(3)) == read_risk(watched, reading.evidence, np.ones(3))


def test_a_reading_says_how_much_the_risk_rose() -> None:
    watched = monitor()
    reading = read_risk(watched, watched.start(), np.repeat([True, False], [40, 60]))
    assert reading.moved[0].effect == pytest.approx(0.3)
    assert reading.told().startswith("risk moved most (higher, by 0.300 in this window)")


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (np.zeros(29), "29 labelled rows"),
        (np.full(50, np.nan), "0 labelled rows"),
        (np.full(50, 0.5), "50 of 50 reference rows are neither 0 nor 1"),
        (np.ones(50), "may be 100%"),
    ],
)
def test_a_reference_that_says_nothing_cannot_judge(reference: Floats, reason: str) -> None:
    with pytest.raises(CannotJudge, match=reason):
        monitor_risk(reference, for_life(0.05))


def test_evidence_of_another_reference_is_refused() -> None:
    with pytest.raises(GrowLearnError, match="another reference"):
        read_risk(monitor(), monitor(0.1).start(), np.ones(3))
