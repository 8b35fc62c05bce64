from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from growlearn.evaluation.answers import Answers
from growlearn.evaluation.figures.confusion import ClassFigures, confusion, per_class
from tests.unit.evaluation.figures.drawn import answers

# Four cats of which one is taken for a dog, three dogs of which two are taken for cats, and a bird.
BY_HAND = np.array([[3, 1], [2, 1], [0, 1]])


def test_by_hand() -> None:
    cat, dog = per_class(BY_HAND, ("cat", "dog"))
    assert cat == ClassFigures(
        label="cat", rows=4, accuracy=5 / 8, precision=3 / 5, recall=3 / 4, f1=6 / (6 + 2 + 1)
    )
    assert dog == ClassFigures(
        label="dog", rows=3, accuracy=4 / 8, precision=1 / 3, recall=1 / 3, f1=2 / (2 + 2 + 2)
    )


def test_what_has_nothing_to_divide_by_is_not_told() -> None:
    """No row is a bird and none is taken for one; all rows are cats."""
    cat, bird = per_class(np.array([[4, 0], [0, 0], [0, 0]]), ("cat", "bird"))
    assert (cat.precision, cat.recall, cat.f1) == (1, 1, 1)
    assert (bird.rows, bird.accuracy, bird.precision, bird.recall, bird.f1) == (0, 1, None, None, None)


def test_the_first_of_equal_logits_is_the_answer() -> None:
    tied = Answers(np.array([[1, 1], [0, 0]], np.float32), np.array([1, 2]))
    assert confusion(tied).tolist() == [[0, 0], [1, 0], [1, 0]]


@given(answers())
def test_the_counts_sum_to_the_rows_and_the_diagonal_to_the_right_answers(given_: Answers) -> None:
    counts = confusion(given_)
    assert counts.sum() == len(given_.truth)
    assert counts.trace() == given_.right.sum()
    assert counts[-1].sum() == (given_.truth == given_.logits.shape[1]).sum()


@given(answers())
def test_scikit_learn_counts_the_same(given_: Answers) -> None:
    classes = given_.logits.shape[1]
    theirs = confusion_matrix(given_.truth, given_.logits.argmax(axis=1), labels=range(classes + 1))
    assert confusion(given_).tolist() == theirs[:, :classes].tolist()


@given(answers())
def test_scikit_learn_says_the_same_of_each_class(given_: Answers) -> None:
    classes, answered = given_.logits.shape[1], given_.logits.argmax(axis=1)
    ours = per_class(confusion(given_), range(classes))
    theirs = precision_recall_fscore_support(
        given_.truth, answered, labels=range(classes), zero_division=math.nan
    )
    for each, precision, recall, f1, rows in zip(ours, *theirs, strict=True):
        assert each.rows == rows
        assert each.accuracy == pytest.approx(
            ((given_.truth == each.label) == (answered == each.label)).mean()
        )
        for mine, other in ((each.precision, precision), (each.recall, recall), (each.f1, f1)):
            assert (math.nan if mine is None else mine) == pytest.approx(other, nan_ok=True)
