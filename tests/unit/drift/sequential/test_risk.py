from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from growlearn.domain.drift import EProcess
from growlearn.domain.errors import GrowLearnError
from growlearn.drift.detectors.result import Inconclusive
from growlearn.drift.sequential.alpha_budget import make_lifetime_budget
from growlearn.drift.sequential.e_process import Floats
from growlearn.drift.sequential.risk import RiskMonitor, make_risk_monitor, update_with_losses
from tests.unit.json_column import store_and_read


def losses(seed: int, rows: int, risk: float) -> Floats:
    return (np.random.default_rng(seed).random(rows) < risk).astype(float)


def monitor(min_effect_size: float = 0.0) -> RiskMonitor:
    return make_risk_monitor(np.repeat([1, 0], [100, 900]), make_lifetime_budget(0.05), min_effect_size)


def test_the_upper_bound_is_clopper_pearsons_plus_the_minimum_effect_size() -> None:
    bound = binomtest(100, 1000).proportion_ci(0.975, "exact").high  # 0.0125 on each side
    assert monitor(0.03).upper_bound == pytest.approx(bound + 0.03)
    assert monitor().reference_risk == 0.1


def test_a_stable_risk_checked_after_every_window_keeps_to_alpha() -> None:
    streams, alarms = 150, 0
    for stream in range(streams):
        risk_monitor = make_risk_monitor(losses(stream, 50, 0.3), make_lifetime_budget(0.2))
        e_process = risk_monitor.initial_e_process()
        for window in range(100):
            e_process = update_with_losses(
                risk_monitor, e_process, losses(1000 * stream + window, 40, 0.3)
            ).e_process
        alarms += e_process.first_alarm_window is not None
    assert alarms <= binom.ppf(0.999, streams, 0.2)


@pytest.mark.parametrize(("risk", "windows"), [(0.4, 1), (0.3, 2), (0.2, 7)])
def test_a_higher_risk_alarms_soon(risk: float, windows: int) -> None:
    risk_monitor = monitor()
    e_process = risk_monitor.initial_e_process()
    for window in range(50):
        e_process = update_with_losses(risk_monitor, e_process, losses(window, 100, 0.1)).e_process
    assert e_process.first_alarm_window is None
    higher_losses = np.arange(100) < 100 * risk
    for _ in range(windows):
        e_process = update_with_losses(risk_monitor, e_process, higher_losses).e_process
    assert e_process.first_alarm_window is not None


def test_a_falling_risk_is_never_an_alarm() -> None:
    risk_monitor = monitor()
    update = update_with_losses(risk_monitor, risk_monitor.initial_e_process(), np.zeros(100_000))
    assert not update.alarm
    assert (update.shifted_scores[0].direction, update.shifted_scores[0].effect) == ("lower", -0.1)


def test_an_increase_below_the_minimum_effect_size_is_never_an_alarm() -> None:
    rows = losses(0, 200_000, 0.15)
    for min_effect_size, alarm in ((0.0, True), (0.06, False)):
        risk_monitor = monitor(min_effect_size)
        assert update_with_losses(risk_monitor, risk_monitor.initial_e_process(), rows).alarm is alarm


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, float("nan")]), min_size=1), st.randoms())
def test_only_labelled_rows_count_in_any_order_and_through_json(values: list[float], random: object) -> None:
    risk_monitor = monitor()
    labelled = [value for value in values if not np.isnan(value)]
    if not labelled:
        with pytest.raises(Inconclusive, match="no row of the window has a label"):
            update_with_losses(risk_monitor, risk_monitor.initial_e_process(), np.array(values))
        return
    update = update_with_losses(risk_monitor, risk_monitor.initial_e_process(), np.array(values))
    assert update.e_process.num_rows == len(labelled)
    assert (
        update_with_losses(
            risk_monitor, risk_monitor.initial_e_process(), np.array(sorted(labelled))
        ).e_process
        == update.e_process
    )
    stored = store_and_read(EProcess, update.e_process)
    assert update_with_losses(risk_monitor, stored, np.ones(3)) == update_with_losses(
        risk_monitor, update.e_process, np.ones(3)
    )


def test_an_update_has_the_increase_of_the_risk() -> None:
    risk_monitor = monitor()
    update = update_with_losses(
        risk_monitor, risk_monitor.initial_e_process(), np.repeat([True, False], [40, 60])
    )
    assert update.shifted_scores[0].effect == pytest.approx(0.3)
    assert update.describe().startswith("risk moved most (higher, by 0.300 in this window)")


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (np.zeros(29), "29 labelled rows"),
        (np.full(50, np.nan), "0 labelled rows"),
        (np.full(50, 0.5), "50 of 50 reference rows are neither 0 nor 1"),
        (np.ones(50), "may be 100%"),
    ],
)
def test_an_invalid_reference_is_inconclusive(reference: Floats, reason: str) -> None:
    with pytest.raises(Inconclusive, match=reason):
        make_risk_monitor(reference, make_lifetime_budget(0.05))


def test_an_e_process_of_another_reference_is_an_error() -> None:
    with pytest.raises(GrowLearnError, match="another reference"):
        update_with_losses(monitor(), monitor(0.1).initial_e_process(), np.ones(3))
