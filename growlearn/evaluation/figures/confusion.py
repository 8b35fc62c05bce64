"""Which class was taken for which, and what follows for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from growlearn.domain.schema import Label
from growlearn.evaluation.answers import Answers

Counts = npt.NDArray[np.int64]


def confusion(answers: Answers) -> Counts:
    """Rows by true class and answer, int64 [C + 1, C]; the last row is for labels that are none of the C.

    >>> logits = np.array([[2, 1], [2, 1], [0, 3]], np.float32)
    >>> confusion(Answers(logits, np.array([0, 1, 2]))).tolist()
    [[1, 0], [1, 0], [0, 1]]
    """
    classes = answers.logits.shape[1]
    pairs = answers.truth * classes + answers.logits.argmax(axis=1)
    return np.bincount(pairs, minlength=(classes + 1) * classes).reshape(classes + 1, classes)


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """One class against all others, by true (T) and false (F) positives (P) and negatives (N).

    `rows` are those of the class. Figures are shares from 0 to 1; None where there is nothing to divide by.
    """

    label: Label
    rows: int
    accuracy: float
    precision: float | None
    recall: float | None
    f1: float | None


def per_class(counts: Counts, classes: Sequence[Label]) -> tuple[ClassFigures, ...]:
    """Accuracy (TP + TN) / N, precision TP / (TP + FP), recall TP / (TP + FN), F1 2 TP / (2 TP + FP + FN).

    >>> first, _ = per_class(np.array([[3, 1], [2, 4], [0, 0]]), ("cat", "dog"))
    >>> first.rows, first.accuracy, first.precision, first.recall, round(first.f1, 3)
    (4, 0.7, 0.6, 0.75, 0.667)
    """
    total, right = int(counts.sum()), counts.diagonal()
    actual, answered = counts.sum(axis=1), counts.sum(axis=0)
    return tuple(
        _against_all_others(label, total, int(right[at]), int(actual[at]), int(answered[at]))
        for at, label in enumerate(classes)
    )


def _against_all_others(label: Label, total: int, right: int, actual: int, answered: int) -> ClassFigures:
    wrong = (actual - right) + (answered - right)  # false negatives and false positives
    return ClassFigures(
        label=label,
        rows=actual,
        accuracy=(total - wrong) / total,
        precision=right / answered if answered else None,
        recall=right / actual if actual else None,
        f1=2 * right / (2 * right + wrong) if right or wrong else None,
    )
