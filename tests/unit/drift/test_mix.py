"""Whether another mix of the same labels explains what moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from growlearn.drift.mix import distance, mix_of, moved_labels
from growlearn.drift.sample import Sample


def sides(make_side: Any, share: float, rows: int = 400, seed: int = 0) -> tuple[Sample, Sample]:
    """A labelled reference of two equal classes, and a window in which the first has this share."""
    random = np.random.default_rng(seed)

    def answered(targets: Any) -> Any:
        first = random.beta(np.where(targets == 0, 6, 2), np.where(targets == 0, 2, 6))
        return np.column_stack([first, 1 - first])

    there, targets = make_side(rows), np.where(np.arange(rows) < share * rows, 0, 1)
    return (
        replace(there, outputs=answered(there.targets)),
        replace(there, outputs=answered(targets), targets=targets),
    )


def test_the_mix_of_known_labels(make_side: Any) -> None:
    assert mix_of(make_side(200), 30) == pytest.approx([0.5, 0.5])
    assert mix_of(make_side(200, labelled=29), 30) is None
    assert mix_of(make_side(200, labelled=0)) is None


def test_how_many_labels_moved() -> None:
    assert moved_labels(np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])) == pytest.approx(0.3)


def test_without_a_mix_the_distance_is_that_of_the_two_sample_test(make_side: Any) -> None:
    there, here = sides(make_side, 0.8)
    found = distance(there, here)
    tests = [ks_2samp(there.outputs[:, at], here.outputs[:, at], method="asymp") for at in (0, 1)]
    assert found is not None
    assert found.largest == pytest.approx(max(test.statistic for test in tests))
    assert found.p_value == pytest.approx(2 * min(test.pvalue for test in tests))


def test_the_right_mix_takes_the_distance_away(make_side: Any) -> None:
    there, here = sides(make_side, 0.8)
    plain, mixed, wrong = (distance(there, here, mix) for mix in (None, mix_of(here), np.array([0.2, 0.8])))
    assert plain is not None
    assert mixed is not None
    assert wrong is not None
    assert mixed.largest < 0.5 * plain.largest < 0.5 * wrong.largest
    assert plain.p_value < 1e-6
    assert mixed.p_value > 0.05


def test_a_true_mix_is_seldom_called_unlike(make_side: Any) -> None:
    unlike = 0
    for seed in range(60):
        there, here = sides(make_side, 0.8, rows=150, seed=seed)
        found = distance(there, here, mix_of(here))
        assert found is not None
        unlike += found.p_value < 0.05
    assert unlike <= 8  # of 3 that are expected at most, with a chance of 1 in 100


def test_a_class_without_rows_cannot_be_given_a_share(make_side: Any) -> None:
    reference = make_side(200, labelled=1)  # the first class alone
    assert distance(reference, reference, np.array([0.5, 0.5])) is None
    assert distance(reference, reference, np.array([1.0, 0.0])) is not None
