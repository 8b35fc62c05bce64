"""The metric of many resamples at once is that of each resample by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from growlearn import bootstrap
from growlearn.bootstrap import bootstrap_values
from growlearn.domain.metric import METRICS, MetricName
from growlearn.metrics import NO_ANSWER, ScoredRows, Values, compute_metric


def values_one_by_one(name: MetricName, rows: ScoredRows, resamples: int) -> Values:
    """By `compute_metric` of the rows that each resample draws."""
    rng = np.random.default_rng(0)
    strata = [np.flatnonzero(rows.targets == label) for label in np.unique(rows.targets)]
    values = []
    for _ in range(resamples):
        drawn = [stratum[rng.integers(len(stratum), size=len(stratum))] for stratum in strata]
        values.append(compute_metric(METRICS[name], rows.take(np.concatenate(drawn))))
    return np.array(values, np.float64)


def draw_rows(num_classes: int, positive: int | None, *, coarse: bool = False) -> ScoredRows:
    """Rows with a label that is no class, one without an answer, and, where coarse, many equal scores."""
    rng = np.random.default_rng(num_classes)
    probabilities: npt.NDArray[Any] = rng.dirichlet(np.ones(num_classes), 150)
    if coarse:
        probabilities = np.round(probabilities * 4) / 4
        probabilities /= probabilities.sum(axis=1, keepdims=True).clip(0.25)
    probabilities = probabilities.astype(np.float32)
    predicted, targets = probabilities.argmax(axis=1), rng.integers(0, num_classes, 150)
    probabilities[0], predicted[0] = 0, NO_ANSWER
    if positive is None:
        targets[1:3] = num_classes
    return ScoredRows(probabilities, predicted, targets, positive)


@pytest.mark.parametrize("name", MetricName)
@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize(("num_classes", "positive"), [(2, 1), (2, 0), (5, None)])
def test_each_value_is_that_of_its_resample(
    name: MetricName, num_classes: int, positive: int | None, coarse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = draw_rows(num_classes, positive, coarse=coarse)
    monkeypatch.setattr(bootstrap, "_MAX_COUNTS", 7 * len(rows))  # in several parts, the last one smaller
    expected = values_one_by_one(name, rows, 20)
    np.testing.assert_allclose(bootstrap_values(METRICS[name], rows, 20), expected, rtol=1e-9)


@pytest.mark.parametrize("name", [MetricName.BALANCED_ACCURACY, MetricName.MACRO_F1, MetricName.ROC_AUC])
def test_two_models_that_tie_on_a_resample_have_the_same_value_there(name: MetricName) -> None:
    """Else a difference of rounding would count as a gain."""
    rows = draw_rows(5, None)
    scaled = ScoredRows(rows.probabilities * 0.5, rows.predicted, rows.targets)
    assert first_values(name, rows).tolist() == first_values(name, scaled).tolist()


def first_values(name: MetricName, rows: ScoredRows) -> Values:
    return bootstrap_values(METRICS[name], rows, 50)


def test_resamples_keep_a_rare_class_and_are_the_same_in_every_call() -> None:
    positive = np.random.default_rng(1).random(200)
    targets = (np.arange(200) < 2).astype(np.int64)
    rows = ScoredRows(np.stack([1 - positive, positive], axis=1), np.zeros(200, np.int64), targets, 1)
    first, second = (first_values(MetricName.AVERAGE_PRECISION, rows) for _ in range(2))
    assert first.tolist() == second.tolist()
    assert np.isfinite(first).all()
    assert len(set(first.tolist())) > 10


def test_probabilities_that_are_no_numbers_give_no_number() -> None:
    rows = ScoredRows(np.full((4, 2), np.nan), np.zeros(4, np.int64), np.array([0, 1, 0, 1]), 1)
    assert np.isnan(first_values(MetricName.ROC_AUC, rows)).all()
