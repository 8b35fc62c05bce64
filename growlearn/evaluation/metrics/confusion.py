"""The confusion matrix, and the metrics of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from growlearn.domain.schema import Label
from growlearn.evaluation.predictions import Predictions

ConfusionMatrix = npt.NDArray[np.int64]


def compute_confusion_matrix(predictions: Predictions) -> ConfusionMatrix:
    """Counts by true and predicted class, int64 [C + 1, C]; the last row counts labels outside the C classes.

    >>> logits = np.array([[2, 1], [2, 1], [0, 3]], np.float32)
    >>> compute_confusion_matrix(Predictions(logits, np.array([0, 1, 2]))).tolist()
    [[1, 0], [1, 0], [0, 1]]
    """
    num_classes = predictions.logits.shape[1]
    flat_indices = predictions.targets * num_classes + predictions.predicted
    return np.bincount(flat_indices, minlength=(num_classes + 1) * num_classes).reshape(
        num_classes + 1, num_classes
    )


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """One class against all others, by true (T) and false (F) positives (P) and negatives (N).

    `rows` counts the rows of the class. Metrics lie between 0 and 1; None where the denominator is 0.
    """

    label: Label
    rows: int
    accuracy: float
    precision: float | None
    recall: float | None
    f1: float | None


def compute_class_metrics(
    confusion_matrix: ConfusionMatrix, classes: Sequence[Label]
) -> tuple[ClassMetrics, ...]:
    """Accuracy (TP + TN) / N, precision TP / (TP + FP), recall TP / (TP + FN), F1 2 TP / (2 TP + FP + FN).

    >>> first, _ = compute_class_metrics(np.array([[3, 1], [2, 4], [0, 0]]), ("cat", "dog"))
    >>> first.rows, first.accuracy, first.precision, first.recall, round(first.f1, 3)
    (4, 0.7, 0.6, 0.75, 0.667)
    """
    total, correct = int(confusion_matrix.sum()), confusion_matrix.diagonal()
    actual, predicted = confusion_matrix.sum(axis=1), confusion_matrix.sum(axis=0)
    return tuple(
        _one_vs_rest(label, total, int(correct[index]), int(actual[index]), int(predicted[index]))
        for index, label in enumerate(classes)
    )


def _one_vs_rest(label: Label, total: int, correct: int, actual: int, predicted: int) -> ClassMetrics:
    errors = (actual - correct) + (predicted - correct)  # FN + FP
    return ClassMetrics(
        label=label,
        rows=actual,
        accuracy=(total - errors) / total,
        precision=correct / predicted if predicted else None,
        recall=correct / actual if actual else None,
        f1=2 * correct / (2 * correct + errors) if correct or errors else None,
    )
