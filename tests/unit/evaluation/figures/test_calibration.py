from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy.special import softmax
from sklearn.calibration import calibration_curve

from growlearn.evaluation.answers import Answers
from growlearn.evaluation.figures.calibration import BINS, calibration, confidence
from tests.unit.evaluation.figures.drawn import answers


def answered(probabilities: list[float], right: list[bool]) -> Answers:
    """Rows of two classes whose first has these probabilities, and is the true one where `right`."""
    first = np.array(probabilities)
    logits = np.log(np.stack([first, 1 - first], axis=1)).astype(np.float32)
    return Answers(logits, np.where(right, 0, 1))


def test_by_hand() -> None:
    """Bins of 1/15: 0.62 and 0.65 share the tenth, above 0.6 to 0.667; 0.95 stands in the last."""
    found = calibration(answered([0.62, 0.65, 0.95], [True, False, True]))
    tenth, last = found.bins
    assert (tenth.rows, last.rows) == (2, 1)
    assert (tenth.low, tenth.high) == pytest.approx((9 / 15, 10 / 15))
    assert (tenth.confidence, tenth.accuracy) == pytest.approx((0.635, 0.5))
    assert (last.high, last.confidence, last.accuracy) == pytest.approx((1, 0.95, 1))
    assert found.error == pytest.approx(2 / 3 * 0.135 + 1 / 3 * 0.05)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    """Five classes of equal logits are answered with 3/15, a sure row with 1."""
    fifth = Answers(np.zeros((1, 5), np.float32), np.array([0]))
    assert calibration(fifth).bins[0].high == pytest.approx(3 / 15)
    sure = Answers(np.array([[0, -200.0]], np.float32), np.array([0]))
    assert calibration(sure).bins[0].high == 1


def test_rows_that_are_no_class_of_the_task_are_wrong_however_sure_the_model_is() -> None:
    sure = Answers(np.array([[50, 0]], np.float32), np.array([2]))
    assert calibration(sure).error == pytest.approx(1)


@given(answers())
def test_the_error_lies_within_0_and_1_and_the_bins_hold_every_row(given_: Answers) -> None:
    found = calibration(given_)
    assert 0 <= found.error <= 1
    assert sum(each.rows for each in found.bins) == len(given_.truth)
    assert 1 <= len(found.bins) <= BINS
    for each in found.bins:
        assert each.low - 1e-12 < each.confidence <= each.high + 1e-12


@given(answers())
def test_scipy_and_scikit_learn_say_the_same(given_: Answers) -> None:
    confidences = confidence(given_)
    assert confidences == pytest.approx(softmax(given_.logits.astype(float), axis=1).max(axis=1))
    right, told = calibration_curve(given_.right, np.minimum(confidences, 1), n_bins=BINS)
    ours = calibration(given_).bins
    assert [each.accuracy for each in ours] == pytest.approx(right.tolist())
    assert [each.confidence for each in ours] == pytest.approx(told.tolist())
