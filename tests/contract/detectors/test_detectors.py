"""What every detector in the table must do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from growlearn.drift.detectors import DETECTORS
from growlearn.drift.detectors.finding import CannotJudge, Detector, Outputs


@pytest.fixture(params=DETECTORS)
def detector(request: pytest.FixtureRequest) -> Detector:
    return DETECTORS[request.param]


def outputs(seed: int, rows: int = 200, classes: int = 4, lean: float = 0.0) -> Outputs:
    """Softmax outputs of logits that are standard normal, the first `lean` higher."""
    logits = np.random.default_rng(seed).normal(size=(rows, classes))
    logits[:, 0] += lean
    odds = np.exp(logits)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float32)


def alarms(detector: Detector, reference: Outputs, query: Outputs, alpha: float) -> bool:
    return any(finding.rejected for finding in detector(reference, query, alpha))


def test_a_window_equal_to_the_reference_never_alarms(detector: Detector) -> None:
    for seed in range(20):
        assert not alarms(detector, outputs(seed), outputs(seed), 1e-9)


def test_a_window_far_from_the_reference_always_alarms(detector: Detector) -> None:
    for seed in range(20):
        assert alarms(detector, outputs(seed), outputs(seed + 100, lean=4.0), 1e-6)


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize(("reference_rows", "rows"), [(30, 30), (60, 400)])
def test_false_alarms_stay_within_alpha(
    detector: Detector, classes: int, reference_rows: int, rows: int
) -> None:
    alpha, rounds = 0.05, 300
    false = sum(
        alarms(
            detector,
            outputs(2 * k, reference_rows, classes),
            outputs(2 * k + 1, rows, classes),
            alpha,
        )
        for k in range(rounds)
    )
    # With the true rate at alpha, more than this has a chance of 1 in 10,000.
    assert false <= binom.ppf(1 - 1e-4, rounds, alpha)


def test_the_order_of_rows_does_not_matter(detector: Detector) -> None:
    reference, query = outputs(0), outputs(1, lean=0.3)
    turned = detector(reference[::-1], query[::-1], 0.05)
    assert [f.p_value for f in turned] == pytest.approx([f.p_value for f in detector(reference, query, 0.05)])


def test_findings_are_plain_and_finite(detector: Detector) -> None:
    for finding in detector(outputs(0), outputs(1), 0.05):
        assert type(finding.statistic) is type(finding.p_value) is type(finding.threshold) is float
        assert np.isfinite(finding.statistic)
        assert 0 <= finding.p_value <= 1
        assert 0 < finding.threshold <= 0.05
        assert finding.column is None or 0 <= finding.column < 4


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["reference", "window"])
def test_outputs_that_are_not_finite_are_refused(detector: Detector, side: str, value: float) -> None:
    reference, query = outputs(0), outputs(1)
    (reference if side == "reference" else query)[3, 2] = value
    with pytest.raises(CannotJudge, match=f"1 of 200 {side} rows are not finite"):
        detector(reference, query, 0.05)


def test_a_constant_reference_is_refused(detector: Detector) -> None:
    with pytest.raises(CannotJudge, match="the same outputs"):
        detector(np.full((50, 4), 0.25), outputs(0), 0.05)


def test_a_constant_window_is_an_alarm(detector: Detector) -> None:
    assert alarms(detector, outputs(0), np.full((50, 4), 0.25), 1e-3)


@pytest.mark.parametrize(("reference_rows", "rows"), [(0, 5), (5, 0)])
def test_no_rows_are_refused(detector: Detector, reference_rows: int, rows: int) -> None:
    with pytest.raises(CannotJudge, match="no rows"):
        detector(outputs(0, reference_rows), outputs(1, rows), 0.05)


def test_saturated_outputs_are_compared_without_a_fuss(detector: Detector) -> None:
    sure = np.zeros((100, 2), dtype=np.float32)
    sure[:, 0] = 1
    sure[:3] = [0, 1]
    assert not alarms(detector, sure, sure[::-1], 0.05)
    assert alarms(detector, sure, 1 - sure, 1e-6)
