"""A paired randomisation test of metrics of predicted classes: balanced accuracy and macro F1.

If two models are equally good, exchanging their predictions of any row changes nothing but chance. So each
row's two predictions are exchanged with probability 1/2, again and again, and the difference of the metric
compared with the one observed (Yeh 2000). Unlike the bootstrap it holds its level where a class has few rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from growlearn.bootstrap import count_resamples
from growlearn.domain.metric import Metric, MetricName
from growlearn.metrics import ScoredRows, Values

_Integers = npt.NDArray[np.integer[Any]]
_MAX_SWAPS = 2_000_000  # rows times swaps at once: 16 MB
_TOLERANCE = 1e-12  # of sums of floats


def swap_p_values(metric: Metric, before: ScoredRows, after: ScoredRows, alpha: float) -> tuple[float, float]:
    """One-sided p-values of "no lower" and of "no higher" after than before, on the same rows.

    They have one label or more of two classes. There are so many swaps that the smallest p-value is below
    alpha, 1,000 at least.
    """
    targets, num_swaps = before.targets, count_resamples(alpha)
    differs = np.flatnonzero(before.predicted != after.predicted)
    classes, num_rows = np.unique(targets, return_counts=True)
    same = np.setdiff1d(np.arange(len(targets)), differs)
    base = _count(before, same, classes).sum(axis=0)  # [2K]
    old, new = (_count(rows, differs, classes) for rows in (before, after))
    rng, size = np.random.default_rng(0), max(1, _MAX_SWAPS // max(1, len(differs)))

    def difference(swapped: Values) -> Values:
        """After minus before, where each row marked in [R, D] has its two predictions exchanged."""
        moved = swapped @ (old - new)  # [R, D] @ [D, 2K] -> [R, 2K]
        totals = base + new.sum(axis=0) + moved, base + old.sum(axis=0) - moved
        later, earlier = (_evaluate(metric, counts, num_rows) for counts in totals)
        return np.asarray(later - earlier)

    observed = difference(np.zeros((1, len(differs))))[0]
    sizes = [min(size, num_swaps - start) for start in range(0, num_swaps, size)]
    swapped = np.concatenate(
        [difference(rng.integers(2, size=(each, len(differs))).astype(np.float64)) for each in sizes]
    )
    lower = int((swapped <= observed + _TOLERANCE).sum())
    higher = int((swapped >= observed - _TOLERANCE).sum())
    return (1 + lower) / (1 + num_swaps), (1 + higher) / (1 + num_swaps)


def _count(rows: ScoredRows, which: _Integers, classes: _Integers) -> csr_array:
    """Of each chosen row and each of K classes: predicted and right, then predicted [n, 2K]."""
    predicted, targets = rows.predicted[which], rows.targets[which]
    column = np.searchsorted(classes, predicted).clip(max=len(classes) - 1)
    is_present = classes[column] == predicted
    row = np.flatnonzero(is_present)
    right = np.flatnonzero(is_present & (predicted == targets))
    values = np.ones(len(row) + len(right))
    columns = np.concatenate([len(classes) + column[row], column[right]])
    return csr_array((values, (np.concatenate([row, right]), columns)), shape=(len(which), 2 * len(classes)))


def _evaluate(metric: Metric, counts: Values, num_rows: _Integers) -> Values:
    """The metric of right and of all predictions of each class, [R, 2K] -> [R]."""
    right, predicted = np.split(np.asarray(counts), 2, axis=-1)  # [R, K] each
    if metric.name is MetricName.BALANCED_ACCURACY:
        return np.asarray((right / num_rows).mean(axis=-1))
    return np.asarray((2 * right / (num_rows + predicted)).mean(axis=-1))
