"""Temperature, offsets of class weights and the decision threshold, from validation rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from growlearn.domain.lineage import Calibration
from growlearn.domain.metric import ACCURACY, METRICS, MetricName
from growlearn.growth.calibration import (
    calibrate_head,
    choose_threshold,
    fit_temperature,
    measure_information,
)
from growlearn.metrics import ScoredRows, compute_metric
from growlearn.network.head_output import calibrate_logits, choose_classes, to_probabilities

AVERAGE_PRECISION = METRICS[MetricName.AVERAGE_PRECISION]
BALANCED_ACCURACY = METRICS[MetricName.BALANCED_ACCURACY]


def imbalanced(rows: int = 4000, share: float = 0.05) -> tuple[Any, Any]:
    """Logits [N, 2] whose softmax is the true probability, and classes [N] drawn from it."""
    rng = np.random.default_rng(0)
    log_odds = np.log(share / (1 - share)) + rng.normal(0, 1.5, rows)
    targets = (rng.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(np.int64)
    return np.stack([np.zeros(rows), log_odds], axis=1).astype(np.float32), targets


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_the_temperature_undoes_too_much_and_too_little_confidence(factor: float) -> None:
    logits, targets = imbalanced()
    fitted = fit_temperature(np.float32(factor) * logits, targets, ())
    assert fitted.temperature == pytest.approx(factor, rel=0.15)
    assert fitted.offsets == ()


def test_a_few_rows_that_are_all_right_do_not_make_the_model_certain() -> None:
    logits = np.array([[4.0, 0.0], [0.0, 4.0]] * 5, np.float32)
    temperature = fit_temperature(logits, np.array([0, 1] * 5), ()).temperature
    assert 0.5 < temperature <= 1


def test_logits_that_are_not_finite_stay_as_they_are() -> None:
    assert fit_temperature(np.full((4, 2), np.nan, np.float32), np.zeros(4, np.int64), ()) == Calibration()


def test_the_offsets_undo_the_weights_of_the_classes() -> None:
    logits, targets = imbalanced()
    weights = (0.55, 11.0)
    weighted = logits + np.log(weights).astype(np.float32)  # what training with these weights leads to
    fitted = fit_temperature(weighted, targets, weights)
    probabilities = to_probabilities(calibrate_logits(weighted, fitted))
    assert probabilities[:, 1].mean() == pytest.approx(targets.mean(), abs=0.01)
    assert to_probabilities(weighted)[:, 1].mean() > 3 * targets.mean()


def test_calibration_never_changes_the_predicted_class() -> None:
    logits, targets = imbalanced()
    head = calibrate_head(logits, targets, ACCURACY, (), 1)
    probabilities = to_probabilities(calibrate_logits(logits, head.calibration))
    assert head.threshold is None
    assert choose_classes(logits, probabilities, None).tolist() == logits.argmax(1).tolist()


@pytest.mark.parametrize("name", [MetricName.BALANCED_ACCURACY, MetricName.MACRO_F1])
def test_a_threshold_is_chosen_for_two_classes_by_a_metric_of_predicted_classes(name: MetricName) -> None:
    logits, targets = imbalanced()
    head = calibrate_head(logits, targets, METRICS[name], (), 1)
    assert head.threshold is not None
    assert 0 < head.threshold < 0.5
    probabilities = to_probabilities(calibrate_logits(logits, head.calibration))
    at_half = compute_metric(METRICS[name], ScoredRows(probabilities, logits.argmax(1), targets, 1))
    assert head.value is not None
    assert at_half is not None
    assert head.value > at_half + 0.05


@pytest.mark.parametrize("name", [name for name in MetricName if not METRICS[name].chooses_threshold])
def test_other_metrics_leave_the_choice_to_the_largest_logit(name: MetricName) -> None:
    logits, targets = imbalanced(400)
    assert calibrate_head(logits, targets, METRICS[name], (), 1).threshold is None


def test_three_classes_have_no_threshold() -> None:
    logits = np.random.default_rng(0).normal(size=(90, 3)).astype(np.float32)
    assert calibrate_head(logits, np.arange(90) % 3, BALANCED_ACCURACY, (), None).threshold is None


def test_a_metric_that_is_not_defined_on_the_rows_has_neither_value_nor_threshold() -> None:
    logits, _ = imbalanced(50)
    targets = np.zeros(50, np.int64)
    head = calibrate_head(logits, targets, BALANCED_ACCURACY, (), 1)
    assert (head.threshold, head.value) == (None, None)
    assert calibrate_head(logits, targets, AVERAGE_PRECISION, (), 1).value is None


def test_of_equally_good_thresholds_the_nearest_to_one_half_is_chosen() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    assert choose_threshold(probabilities, np.array([0, 1]), BALANCED_ACCURACY, 1) == 0.5


def test_equal_probabilities_keep_one_half() -> None:
    probabilities = np.full((4, 2), 0.5, np.float32)
    assert choose_threshold(probabilities, np.array([0, 1, 0, 1]), BALANCED_ACCURACY, 1) == 0.5


def test_a_row_at_the_threshold_is_of_the_first_class() -> None:
    probabilities = np.array([[0.75, 0.25], [0.7, 0.3]], np.float32)
    assert choose_classes(np.log(probabilities), probabilities, 0.25).tolist() == [0, 1]


def test_information_is_what_logits_tell_beyond_the_class_frequencies() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random(4000) < 0.3).astype(np.int64)
    scores = rng.normal(size=4000) + 1.5 * targets
    logits = np.stack([np.zeros(4000), scores], axis=1).astype(np.float32)
    told = measure_information(logits, targets)
    assert 0.05 < told < 0.3
    shifted = (5 * logits + np.array([3.0, 0.0])).astype(np.float32)
    assert measure_information(shifted, targets) == pytest.approx(
        told, abs=1e-3
    )  # too sure, other frequencies
    assert measure_information(rng.normal(size=(4000, 2)).astype(np.float32), targets) < 0.005
    assert measure_information(-logits, targets) < 0.005  # the opposite of the truth is no answer
    assert measure_information(np.full((4000, 2), np.nan, np.float32), targets) == 0.0
