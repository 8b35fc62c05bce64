"""The paired randomisation test of metrics of predicted classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from growlearn.domain.metric import METRICS, MetricName
from growlearn.evaluation.swap_test import swap_p_values
from growlearn.metrics import ScoredRows

Integers = npt.NDArray[np.int64]
METRIC_NAMES = (MetricName.BALANCED_ACCURACY, MetricName.MACRO_F1)


def rows(targets: Integers, predicted: Integers) -> ScoredRows:
    return ScoredRows(np.zeros((len(targets), targets.max() + 1)), predicted, targets, None)


@pytest.mark.parametrize("name", METRIC_NAMES)
@pytest.mark.parametrize("sizes", [(1,) * 50, (100, 100, 1), (150, 150)], ids=["singles", "one rare", "two"])
def test_it_errs_at_its_level_though_a_class_has_one_row(name: MetricName, sizes: tuple[int, ...]) -> None:
    """Two answers that are right about 70 rows of 100 each, by chance, 150 times: about 8 below 0.05."""
    rng, targets = np.random.default_rng(0), np.repeat(np.arange(len(sizes)), sizes)

    def guess() -> ScoredRows:
        wrong = rng.integers(len(sizes), size=len(targets))
        return rows(targets, np.where(rng.random(len(targets)) < 0.7, targets, wrong))

    p_values = np.array([swap_p_values(METRICS[name], guess(), guess(), 0.05) for _ in range(150)])
    assert ((p_values < 0.05).sum(axis=0) <= 20).all()


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_a_clear_change_is_found_either_way(name: MetricName) -> None:
    targets = np.arange(300) % 3
    worse = np.where(np.arange(300) < 60, (targets + 1) % 3, targets)
    p_drop, p_rise = swap_p_values(METRICS[name], rows(targets, worse), rows(targets, targets), 0.05)
    assert (p_drop > 0.99, p_rise < 0.01) == (True, True)
    p_drop, p_rise = swap_p_values(METRICS[name], rows(targets, targets), rows(targets, worse), 0.05)
    assert (p_drop < 0.01, p_rise > 0.99) == (True, True)


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_equal_answers_show_nothing(name: MetricName) -> None:
    targets = np.arange(30) % 3
    assert swap_p_values(METRICS[name], rows(targets, targets), rows(targets, targets), 0.05) == (1.0, 1.0)


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_a_prediction_of_a_class_that_no_row_has_is_wrong(name: MetricName) -> None:
    targets = np.arange(60) % 2
    predicted = np.where(np.arange(60) < 30, 2, targets)
    p_drop, _ = swap_p_values(METRICS[name], rows(targets, targets), rows(targets, predicted), 0.05)
    assert p_drop < 0.01


@pytest.mark.parametrize("alpha", [0.05, 0.0005])
def test_however_small_alpha_is_a_clear_change_is_below_it(alpha: float) -> None:
    targets = np.arange(300) % 3
    worse = np.where(np.arange(300) < 120, (targets + 1) % 3, targets)
    before, after = rows(targets, targets), rows(targets, worse)
    p_drop, _ = swap_p_values(METRICS[MetricName.BALANCED_ACCURACY], before, after, alpha)
    assert p_drop < alpha
