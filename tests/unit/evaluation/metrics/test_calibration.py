from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy.special import softmax
from sklearn.calibration import calibration_curve

from growlearn.evaluation.metrics.calibration import CALIBRATION_BINS, compute_calibration, compute_confidence
from growlearn.evaluation.predictions import Predictions
from tests.unit.evaluation.metrics.strategies import predictions


def make_predictions(probabilities: list[float], correct: list[bool]) -> Predictions:
    """Rows of two classes whose first has these probabilities, and is the true one where `correct`."""
    first = np.array(probabilities)
    logits = np.log(np.stack([first, 1 - first], axis=1)).astype(np.float32)
    return Predictions(logits, np.where(correct, 0, 1))


def test_by_hand() -> None:
    """Bins of 1/15: 0.62 and 0.65 share the tenth, above 0.6 to 0.667; 0.95 is in the last."""
    calibration = compute_calibration(make_predictions([0.62, 0.65, 0.95], [True, False, True]))
    tenth, last = calibration.bins
    assert (tenth.rows, last.rows) == (2, 1)
    assert (tenth.low, tenth.high) == pytest.approx((9 / 15, 10 / 15))
    assert (tenth.confidence, tenth.accuracy) == pytest.approx((0.635, 0.5))
    assert (last.high, last.confidence, last.accuracy) == pytest.approx((1, 0.95, 1))
    assert calibration.ece == pytest.approx(2 / 3 * 0.135 + 1 / 3 * 0.05)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    """Five classes of equal logits are answered with 3/15, a sure row with 1."""
    fifth = Predictions(np.zeros((1, 5), np.float32), np.array([0]))
    assert compute_calibration(fifth).bins[0].high == pytest.approx(3 / 15)
    sure = Predictions(np.array([[0, -200.0]], np.float32), np.array([0]))
    assert compute_calibration(sure).bins[0].high == 1


def test_rows_outside_the_task_s_classes_are_wrong_at_any_confidence() -> None:
    sure = Predictions(np.array([[50, 0]], np.float32), np.array([2]))
    assert compute_calibration(sure).ece == pytest.approx(1)


@given(predictions())
def test_the_error_lies_within_0_and_1_and_the_bins_hold_every_row(drawn: Predictions) -> None:
    calibration = compute_calibration(drawn)
    assert 0 <= calibration.ece <= 1
    assert sum(item.rows for item in calibration.bins) == len(drawn.targets)
    assert 1 <= len(calibration.bins) <= CALIBRATION_BINS
    for item in calibration.bins:
        assert item.low - 1e-12 < item.confidence <= item.high + 1e-12


@given(predictions())
def test_scipy_and_scikit_learn_compute_the_same(drawn: Predictions) -> None:
    confidences = compute_confidence(drawn)
    assert confidences == pytest.approx(softmax(drawn.logits.astype(float), axis=1).max(axis=1))
    accuracies, means = calibration_curve(drawn.correct, np.minimum(confidences, 1), n_bins=CALIBRATION_BINS)
    bins = compute_calibration(drawn).bins
    assert [item.accuracy for item in bins] == pytest.approx(accuracies.tolist())
    assert [item.confidence for item in bins] == pytest.approx(means.tolist())
