"""The estimate of an accuracy covers the truth as often as it says, while probabilities are calibrated."""

from __future__ import annotations

import numpy as np
import pytest

from growlearn.evaluation.accuracy_estimate import estimate_accuracy
from growlearn.ingest.rows import object_column


def tasks(*counts: tuple[str | None, int]) -> np.ndarray:
    return object_column([name for name, count in counts for _ in range(count)])


def test_the_interval_covers_the_truth_where_only_the_labels_are_drawn() -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.5, 1, 300)
    _, interval = estimate_accuracy(probability, tasks(("a", 300)), {})
    correct = (rng.random((2000, 300)) < probability).mean(1)
    covered = ((interval.low <= correct) & (correct <= interval.high)).mean()
    assert 0.94 < covered < 0.98


@pytest.mark.parametrize("reference", [50, 400])
def test_it_also_covers_a_calibration_that_was_fitted_on_few_rows(reference: int) -> None:
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(1000):
        said = np.full(500, (rng.random(reference) < 0.8).mean())  # the accuracy of the reference rows
        _, interval = estimate_accuracy(said, tasks(("a", 500)), {"a": reference})
        covered.append(interval.low <= (rng.random(500) < 0.8).mean() <= interval.high)
    assert 0.93 < np.mean(covered) < 0.99


def test_each_task_adds_the_doubt_of_its_own_reference_rows() -> None:
    probability = np.full(200, 0.8)
    both = tasks(("a", 150), ("b", 50))

    def width(reference_rows: dict[str, int]) -> float:
        _, interval = estimate_accuracy(probability, both, reference_rows)
        return interval.high - interval.low

    assert width({"a": 10_000, "b": 10_000}) < width({"a": 10_000, "b": 40}) < width({"a": 40, "b": 10_000})


def test_sure_answers_leave_half_a_row_of_doubt_and_no_answer_counts_as_wrong() -> None:
    accuracy, interval = estimate_accuracy(np.ones(50), tasks(("a", 50)), {"a": 100})
    assert (accuracy, interval.low, interval.high) == (1.0, 0.99, 1.0)
    unknown = np.array([1.0] * 30 + [0.0] * 10)
    assert estimate_accuracy(unknown, tasks(("a", 30), (None, 10)), {"a": 100})[0] == 0.75
