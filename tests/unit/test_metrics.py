"""Values of the metrics, also where they are not defined."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from growlearn.domain.metric import METRICS, Metric, MetricName
from growlearn.metrics import NO_ANSWER, ScoredRows, compute_chance_level, compute_metric

TWO_CLASS_PROBABILITIES = np.array([0.1, 0.4, 0.35, 0.8, 0.7])
TWO_CLASS_TARGETS = np.array([0, 0, 1, 1, 0])
ONE_CLASS = [name for name in MetricName if METRICS[name].needs_two_classes]


def two_classes(positive: int | None = 1, targets: Any = TWO_CLASS_TARGETS) -> ScoredRows:
    probabilities = np.stack([1 - TWO_CLASS_PROBABILITIES, TWO_CLASS_PROBABILITIES], axis=1)
    return ScoredRows(probabilities, probabilities.argmax(1), np.asarray(targets), positive)


def value(name: MetricName, rows: ScoredRows) -> float | None:
    return compute_metric(METRICS[name], rows)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (MetricName.ACCURACY, 3 / 5),
        (MetricName.BALANCED_ACCURACY, (2 / 3 + 1 / 2) / 2),
        (MetricName.MACRO_F1, (2 / 3 + 1 / 2) / 2),
        (MetricName.LOG_LOSS, -np.log([0.9, 0.6, 0.35, 0.8, 0.3]).mean()),
        (MetricName.ROC_AUC, 4 / 6),
        (MetricName.AVERAGE_PRECISION, (1 / 1 + 2 / 4) / 2),
    ],
)
def test_two_classes_have_the_values_that_are_computed_by_hand(name: MetricName, expected: float) -> None:
    assert value(name, two_classes()) == pytest.approx(expected)


def test_average_precision_is_that_of_the_positive_class() -> None:
    other = value(MetricName.AVERAGE_PRECISION, two_classes(positive=0))
    expected = sklearn_metrics.average_precision_score(TWO_CLASS_TARGETS == 0, 1 - TWO_CLASS_PROBABILITIES)
    assert other == pytest.approx(expected)
    assert other != pytest.approx(value(MetricName.AVERAGE_PRECISION, two_classes(positive=1)))


def test_the_area_under_the_curve_is_the_same_for_either_class() -> None:
    assert value(MetricName.ROC_AUC, two_classes(0)) == pytest.approx(
        value(MetricName.ROC_AUC, two_classes(1))
    )


@pytest.mark.parametrize("name", ONE_CLASS)
def test_rows_of_one_class_have_no_value_rather_than_zero(name: MetricName) -> None:
    assert value(name, two_classes(targets=[0] * 5)) is None
    assert value(name, two_classes(targets=[1] * 5, positive=None)) is None


@pytest.mark.parametrize("name", [MetricName.ACCURACY, MetricName.LOG_LOSS])
def test_accuracy_and_log_loss_are_defined_on_rows_of_one_class(name: MetricName) -> None:
    assert value(name, two_classes(targets=[0] * 5)) is not None


@pytest.mark.parametrize("name", MetricName)
def test_no_row_has_no_value(name: MetricName) -> None:
    empty = ScoredRows(np.empty((0, 2)), np.empty(0, np.int64), np.empty(0, np.int64))
    assert value(name, empty) is None


@pytest.mark.parametrize("name", [MetricName.ROC_AUC, MetricName.AVERAGE_PRECISION])
def test_more_classes_are_compared_one_with_the_rest_over_those_that_are_present(name: MetricName) -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 60)
    targets = rng.integers(0, 3, 60)  # the fourth class is not there
    score = {
        MetricName.ROC_AUC: sklearn_metrics.roc_auc_score,
        MetricName.AVERAGE_PRECISION: sklearn_metrics.average_precision_score,
    }[name]
    expected = np.mean([score(targets == index, probabilities[:, index]) for index in range(3)])
    rows = ScoredRows(probabilities, probabilities.argmax(1), targets)
    assert value(name, rows) == pytest.approx(expected)


@pytest.mark.parametrize("name", [MetricName.BALANCED_ACCURACY, MetricName.MACRO_F1])
def test_a_class_that_is_only_predicted_is_no_class_of_its_own(name: MetricName) -> None:
    rows = ScoredRows(np.eye(3)[[0, 1, 2]], np.array([0, 1, 2]), np.array([0, 1, 1]))
    assert value(name, rows) == pytest.approx({"macro_f1": (1 + 2 / 3) / 2}.get(name, (1 + 1 / 2) / 2))


def test_a_label_outside_the_classes_is_never_right_and_its_loss_is_finite() -> None:
    rows = ScoredRows(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), np.array([0, 2]))
    assert value(MetricName.ACCURACY, rows) == 0.5
    assert value(MetricName.BALANCED_ACCURACY, rows) == 0.5
    loss = value(MetricName.LOG_LOSS, rows)
    assert loss is not None
    assert 10 < loss < 30
    assert value(MetricName.ROC_AUC, rows) == pytest.approx((1 + 0.5) / 2)


def test_a_row_without_an_answer_counts_as_wrong_for_every_metric() -> None:
    probabilities = np.array([[0.9, 0.1], [0.0, 0.0], [0.2, 0.8]])
    rows = ScoredRows(probabilities, np.array([0, NO_ANSWER, 1]), np.array([0, 1, 1]), 1)
    assert value(MetricName.ACCURACY, rows) == pytest.approx(2 / 3)
    assert value(MetricName.BALANCED_ACCURACY, rows) == pytest.approx(3 / 4)
    assert value(MetricName.ROC_AUC, rows) == pytest.approx(1 / 2)
    loss = value(MetricName.LOG_LOSS, rows)
    assert loss is not None
    assert 10 < loss < 30


def test_probabilities_that_are_no_numbers_give_no_number_rather_than_an_error() -> None:
    rows = ScoredRows(np.full((2, 2), np.nan), np.array([0, 0]), np.array([0, 1]))
    assert math.isnan(value(MetricName.ROC_AUC, rows) or 0.0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (MetricName.ACCURACY, 1 / 2),
        (MetricName.BALANCED_ACCURACY, 1 / 2),
        (MetricName.MACRO_F1, 3 / 4 / 2),  # of the constant class 0: F1 2 * 3 / (2 * 3 + 2), and 0
        (MetricName.LOG_LOSS, -0.6 * math.log(0.6) - 0.4 * math.log(0.4)),  # of their frequencies
        (MetricName.ROC_AUC, 1 / 2),
        (MetricName.AVERAGE_PRECISION, 2 / 5),
    ],
)
def test_the_chance_level_is_that_of_knowing_nothing(name: MetricName, expected: float) -> None:
    assert compute_chance_level(METRICS[name], TWO_CLASS_TARGETS, 2, 1) == pytest.approx(expected)


def test_the_log_loss_is_scikit_learn_s() -> None:
    rng = np.random.default_rng(0)
    probabilities, targets = rng.dirichlet(np.full(4, 0.3), 200), rng.integers(0, 4, 200)
    probabilities[0], targets[0] = (1, 0, 0, 0), 1
    probabilities[1], targets[1] = (1, 0, 0, 0), 0
    expected = sklearn_metrics.log_loss(targets, probabilities, labels=range(4))
    assert value(MetricName.LOG_LOSS, ScoredRows(probabilities, targets, targets)) == pytest.approx(expected)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_no_answers_are_worse_than_the_worst(metric: Metric) -> None:
    wrong = ScoredRows(np.eye(2)[[1, 0, 1]], np.array([1, 0, 1]), np.array([0, 1, 0]), 1)
    measured = compute_metric(metric, wrong)
    assert measured is not None
    assert metric.merit(metric.worst) <= metric.merit(measured) + 1e-9
    assert metric.count_nan_as_worst(math.nan) == metric.worst
    assert metric.count_nan_as_worst(None) is None
    assert metric.count_nan_as_worst(0.5) == 0.5


def test_rows_without_an_answer_have_none_when_classes_are_renumbered() -> None:
    rows = ScoredRows(np.full((3, 2), 0.5), np.array([0, 1, NO_ANSWER]), np.array([0, 1, 2]))
    renumbered = rows.renumber([1, 0])
    assert (renumbered.predicted.tolist(), renumbered.targets.tolist()) == ([1, 0, NO_ANSWER], [1, 0, 2])
    assert renumbered.correct == rows.correct == 2
