"""Whether a change of the class frequencies explains a drift."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from growlearn.drift.class_frequencies import (
    compute_class_frequencies,
    compute_output_distance,
    total_variation,
)
from growlearn.drift.sample import Sample


def make_sides(make_side: Any, frequency: float, rows: int = 400, seed: int = 0) -> tuple[Sample, Sample]:
    """A labelled reference of two equal classes, and a window in which the first has this frequency."""
    random = np.random.default_rng(seed)

    def make_outputs(targets: Any) -> Any:
        first = random.beta(np.where(targets == 0, 6, 2), np.where(targets == 0, 2, 6))
        return np.column_stack([first, 1 - first])

    reference, targets = make_side(rows), np.where(np.arange(rows) < frequency * rows, 0, 1)
    return (
        replace(reference, outputs=make_outputs(reference.targets)),
        replace(reference, outputs=make_outputs(targets), targets=targets),
    )


def test_the_frequencies_of_known_labels(make_side: Any) -> None:
    assert compute_class_frequencies(make_side(200), 30) == pytest.approx([0.5, 0.5])
    assert compute_class_frequencies(make_side(200, labelled=29), 30) is None
    assert compute_class_frequencies(make_side(200, labelled=0)) is None


def test_how_many_labels_changed() -> None:
    assert total_variation(np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])) == pytest.approx(0.3)


def test_without_frequencies_the_distance_is_that_of_the_two_sample_test(make_side: Any) -> None:
    reference, window = make_sides(make_side, 0.8)
    distance = compute_output_distance(reference, window)
    tests = [ks_2samp(reference.outputs[:, k], window.outputs[:, k], method="asymp") for k in (0, 1)]
    assert distance is not None
    assert distance.max_distance == pytest.approx(max(test.statistic for test in tests))
    assert distance.p_value == pytest.approx(2 * min(test.pvalue for test in tests))


def test_the_right_frequencies_remove_the_distance(make_side: Any) -> None:
    reference, window = make_sides(make_side, 0.8)
    unweighted, weighted, wrong = (
        compute_output_distance(reference, window, frequencies)
        for frequencies in (None, compute_class_frequencies(window), np.array([0.2, 0.8]))
    )
    assert unweighted is not None
    assert weighted is not None
    assert wrong is not None
    assert weighted.max_distance < 0.5 * unweighted.max_distance < 0.5 * wrong.max_distance
    assert unweighted.p_value < 1e-6
    assert weighted.p_value > 0.05


def test_the_true_frequencies_are_seldom_rejected(make_side: Any) -> None:
    rejections = 0
    for seed in range(60):
        reference, window = make_sides(make_side, 0.8, rows=150, seed=seed)
        distance = compute_output_distance(reference, window, compute_class_frequencies(window))
        assert distance is not None
        rejections += distance.p_value < 0.05
    assert rejections <= 8  # 3 are expected at most; more than 8 have a probability of 1 in 100


def test_a_class_without_rows_cannot_have_a_frequency(make_side: Any) -> None:
    reference = make_side(200, labelled=1)  # the first class alone
    assert compute_output_distance(reference, reference, np.array([0.5, 0.5])) is None
    assert compute_output_distance(reference, reference, np.array([1.0, 0.0])) is not None
