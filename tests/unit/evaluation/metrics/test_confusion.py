from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from growlearn.evaluation.metrics.confusion import (
    ClassMetrics,
    compute_class_metrics,
    compute_confusion_matrix,
)
from growlearn.evaluation.predictions import Predictions
from tests.unit.evaluation.metrics.strategies import predictions

# Four cats, one predicted as a dog; three dogs, two predicted as cats; and a bird.
BY_HAND = np.array([[3, 1], [2, 1], [0, 1]])


def test_by_hand() -> None:
    cat, dog = compute_class_metrics(BY_HAND, ("cat", "dog"))
    assert cat == ClassMetrics(
        label="cat", rows=4, accuracy=5 / 8, precision=3 / 5, recall=3 / 4, f1=6 / (6 + 2 + 1)
    )
    assert dog == ClassMetrics(
        label="dog", rows=3, accuracy=4 / 8, precision=1 / 3, recall=1 / 3, f1=2 / (2 + 2 + 2)
    )


def test_a_metric_with_a_zero_denominator_is_none() -> None:
    """No row is a bird and none is taken for one; all rows are cats."""
    cat, bird = compute_class_metrics(np.array([[4, 0], [0, 0], [0, 0]]), ("cat", "bird"))
    assert (cat.precision, cat.recall, cat.f1) == (1, 1, 1)
    assert (bird.rows, bird.accuracy, bird.precision, bird.recall, bird.f1) == (0, 1, None, None, None)


def test_the_first_of_equal_logits_is_the_prediction() -> None:
    tied = Predictions(np.array([[1, 1], [0, 0]], np.float32), np.array([1, 2]))
    assert compute_confusion_matrix(tied).tolist() == [[0, 0], [1, 0], [1, 0]]


@given(predictions())
def test_the_counts_sum_to_the_rows_and_the_diagonal_to_the_correct_rows(drawn: Predictions) -> None:
    counts = compute_confusion_matrix(drawn)
    assert counts.sum() == len(drawn.targets)
    assert counts.trace() == drawn.correct.sum()
    assert counts[-1].sum() == (drawn.targets == drawn.logits.shape[1]).sum()


@given(predictions())
def test_scikit_learn_counts_the_same(drawn: Predictions) -> None:
    classes = drawn.logits.shape[1]
    expected = confusion_matrix(drawn.targets, drawn.logits.argmax(axis=1), labels=range(classes + 1))
    assert compute_confusion_matrix(drawn).tolist() == expected[:, :classes].tolist()


@given(predictions())
def test_scikit_learn_computes_the_same_for_each_class(drawn: Predictions) -> None:
    classes, predicted = drawn.logits.shape[1], drawn.logits.argmax(axis=1)
    computed = compute_class_metrics(compute_confusion_matrix(drawn), range(classes))
    expected = precision_recall_fscore_support(
        drawn.targets, predicted, labels=range(classes), zero_division=math.nan
    )
    for metrics, precision, recall, f1, rows in zip(computed, *expected, strict=True):
        assert metrics.rows == rows
        assert metrics.accuracy == pytest.approx(
            ((drawn.targets == metrics.label) == (predicted == metrics.label)).mean()
        )
        for value, reference in ((metrics.precision, precision), (metrics.recall, recall), (metrics.f1, f1)):
            assert (math.nan if value is None else value) == pytest.approx(reference, nan_ok=True)
