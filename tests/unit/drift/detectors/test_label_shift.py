from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from growlearn.drift.detectors.label_shift import estimate_class_frequencies, label_shift
from growlearn.drift.detectors.result import Inconclusive

ACCURACY = 0.7  # errors are uniform


def make_predictions(
    make_sample: Any, seed: int, frequencies: list[float], rows: int = 5000, accuracy: float = ACCURACY
) -> Any:
    """Rows with these class frequencies, and a head of this accuracy."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(len(frequencies), size=rows, p=frequencies)
    predicted = np.where(rng.random(rows) < accuracy, targets, rng.integers(len(frequencies), size=rows))
    return make_sample(outputs=np.eye(len(frequencies))[predicted], targets=targets)


def test_the_frequencies_are_estimated_with_an_imperfect_head(make_sample: Any) -> None:
    reference = make_predictions(make_sample, 0, [0.2, 0.3, 0.5])
    query = make_predictions(make_sample, 1, [0.6, 0.1, 0.3])
    assert estimate_class_frequencies(reference, query) == pytest.approx([0.6, 0.1, 0.3], abs=0.03)
    (result,) = label_shift(reference, query, 0.001)
    assert result.rejected
    assert result.effect == pytest.approx(0.4, abs=0.03)  # what class 0 gained


def test_the_predictions_of_a_perfect_head_are_counted(make_sample: Any) -> None:
    reference = make_predictions(make_sample, 0, [0.5, 0.5], rows=100, accuracy=1)
    query = make_sample(outputs=np.eye(2)[[0, 0, 0, 1]], targets=[-1] * 4)
    assert estimate_class_frequencies(reference, query).tolist() == [0.75, 0.25]


def test_frequencies_are_valid_even_where_the_solution_is_negative(make_sample: Any) -> None:
    reference = make_predictions(make_sample, 0, [0.5, 0.5])
    query = make_sample(outputs=np.eye(2)[[0] * 50])
    assert estimate_class_frequencies(reference, query).tolist() == [1, 0]


def test_a_class_with_few_labelled_rows_is_inconclusive_by_name(make_sample: Any) -> None:
    outputs = np.eye(2)[[0] * 50 + [1] * 50]
    reference = make_sample(outputs=outputs, targets=[0] * 50 + [1] * 4 + [-1] * 46, classes=("a", "b"))
    with pytest.raises(Inconclusive, match="4 labelled rows of class b; label-shift needs 5"):
        label_shift(reference, reference, 0.05)


def test_predictions_that_do_not_depend_on_the_label_are_inconclusive(make_sample: Any) -> None:
    reference = make_predictions(make_sample, 0, [0.5, 0.5], accuracy=0.02)
    with pytest.raises(Inconclusive, match="confuses some classes too often"):
        label_shift(reference, reference, 0.05)
