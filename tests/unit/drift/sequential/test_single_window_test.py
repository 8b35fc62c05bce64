from __future__ import annotations

import numpy as np
import pytest

from growlearn.drift.sequential.single_window_test import critical_ks_distance


@pytest.mark.parametrize(("rows", "reference_rows"), [(40, 60), (100, 1000)])
def test_samples_of_one_distribution_exceed_the_distance_at_most_with_probability_alpha(
    rows: int, reference_rows: int
) -> None:
    rng, alpha = np.random.default_rng(0), 0.1
    places = np.linspace(0, 1, 400)
    windows = np.sort(rng.random((2000, rows)), axis=1)
    references = np.sort(rng.random((2000, reference_rows)), axis=1)
    window_cdfs, reference_cdfs = (
        np.stack([np.searchsorted(sample, places) / sample.size for sample in side])
        for side in (windows, references)
    )
    share = (
        (window_cdfs - reference_cdfs).max(axis=1) > critical_ks_distance(rows, reference_rows, alpha)
    ).mean()
    assert 0.01 < share <= alpha


def test_the_closed_form_is_the_tail_of_two_rayleigh_variables() -> None:
    rng = np.random.default_rng(0)
    sums = rng.rayleigh(0.05, 400_000) + rng.rayleigh(0.025, 400_000)  # 100 and 400 rows
    for alpha in (0.5, 0.1, 0.01):
        assert (sums > critical_ks_distance(100, 400, alpha)).mean() == pytest.approx(alpha, rel=0.05)


def test_the_distance_falls_with_rows_and_grows_with_confidence() -> None:
    assert (
        critical_ks_distance(500, 2000, 1e-6)
        < critical_ks_distance(500, 2000, 1e-9)
        < critical_ks_distance(100, 2000, 1e-9)
    )


def test_a_few_rows_alone_are_never_an_alarm() -> None:
    assert critical_ks_distance(1, 2000, 1e-6) > 1
