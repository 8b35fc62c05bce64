from __future__ import annotations

import numpy as np
import pytest

from growlearn.drift.evidence.leaps import least_distance


@pytest.mark.parametrize(("rows", "reference_rows"), [(40, 60), (100, 1000)])
def test_samples_of_one_law_are_further_apart_no_more_often_than_said(rows: int, reference_rows: int) -> None:
    rng, chance = np.random.default_rng(0), 0.1
    places = np.linspace(0, 1, 400)
    ones = np.sort(rng.random((2000, rows)), axis=1)
    others = np.sort(rng.random((2000, reference_rows)), axis=1)
    one, two = (
        np.stack([np.searchsorted(sample, places) / sample.size for sample in side])
        for side in (ones, others)
    )
    share = ((one - two).max(axis=1) > least_distance(rows, reference_rows, chance)).mean()
    assert 0.01 < share <= chance


def test_the_closed_form_is_the_tail_of_two_rayleigh_variables() -> None:
    rng = np.random.default_rng(0)
    sums = rng.rayleigh(0.05, 400_000) + rng.rayleigh(0.025, 400_000)  # 100 and 400 rows
    for chance in (0.5, 0.1, 0.01):
        assert (sums > least_distance(100, 400, chance)).mean() == pytest.approx(chance, rel=0.05)


def test_the_distance_falls_with_rows_and_grows_with_certainty() -> None:
    assert least_distance(500, 2000, 1e-6) < least_distance(500, 2000, 1e-9) < least_distance(100, 2000, 1e-9)


def test_a_few_rows_are_never_an_alarm_by_themselves() -> None:
    assert least_distance(1, 2000, 1e-6) > 1
