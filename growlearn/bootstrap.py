"""The bootstrap distribution of a metric on labelled rows, many resamples at once.

A resample is told by how often it draws each row: a sum over its rows is a weighted sum over all rows. That
is at least ten times as fast as the metric of each resample's own rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from growlearn.domain.metric import Metric, MetricName
from growlearn.metrics import ScoredRows, Values, compute_label_losses

Counts = npt.NDArray[np.float64]
"""How often each of R resamples draws each of N rows [R, N]."""
_Statistic = Callable[[Counts], Values]
_MAX_COUNTS = 2_000_000  # at once: 16 MB


def bootstrap_values(metric: Metric, rows: ScoredRows, resamples: int) -> Values:
    """The metric on resamples of the rows, with a fixed seed: float64 [resamples].

    Each label keeps its number of rows (a stratified bootstrap, Efron and Tibshirani 1993), so a rare class
    is in every resample. Equal targets give equal resamples: the values of two models on the same rows are
    paired. The metric must be defined on the rows; NaN where a probability is not finite.
    """
    if not np.isfinite(rows.probabilities).all():
        return np.full(resamples, np.nan)
    rng, statistic = np.random.default_rng(0), _STATISTICS[metric.name](rows)
    strata = [np.flatnonzero(rows.targets == label) for label in np.unique(rows.targets)]
    size = max(1, _MAX_COUNTS // len(rows))
    sizes = [min(size, resamples - start) for start in range(0, resamples, size)]
    return np.concatenate([statistic(_draw(rng, strata, len(rows), each)) for each in sizes])


def count_resamples(alpha: float) -> int:
    """Enough resamples that the smallest possible p-value is below alpha; 1,000 or more."""
    return max(1000, math.ceil(2 / alpha))


def _draw(
    rng: np.random.Generator, strata: Sequence[npt.NDArray[np.intp]], num_rows: int, resamples: int
) -> Counts:
    counts = np.empty((resamples, num_rows))
    for resample in counts:
        for stratum in strata:
            drawn = rng.integers(len(stratum), size=len(stratum))
            resample[stratum] = np.bincount(drawn, minlength=len(stratum))
    return counts


def _accuracy(rows: ScoredRows) -> _Statistic:
    is_correct = (rows.predicted == rows.targets).astype(np.float64)
    return lambda counts: counts @ is_correct / len(rows)


def _log_loss(rows: ScoredRows) -> _Statistic:
    losses = compute_label_losses(rows)
    return lambda counts: (counts * losses).sum(axis=1) / len(rows)


def _balanced_accuracy(rows: ScoredRows) -> _Statistic:
    is_label, is_predicted = _indicators(rows)
    num_rows, is_correct = is_label.sum(axis=0), is_label * is_predicted  # [K], [N, K]
    return lambda counts: (counts @ is_correct / num_rows).mean(axis=1)  # [R, K] -> [R]


def _macro_f1(rows: ScoredRows) -> _Statistic:
    """F1 = 2 TP / (labelled + predicted), the harmonic mean of precision and recall."""
    is_label, is_predicted = _indicators(rows)
    num_rows, is_correct = is_label.sum(axis=0), is_label * is_predicted  # [K], [N, K]
    return lambda counts: (2 * (counts @ is_correct) / (num_rows + counts @ is_predicted)).mean(axis=1)


def _indicators(rows: ScoredRows) -> tuple[Values, Values]:
    """Whether each of the K classes that are present is a row's label, and its prediction: [N, K] each."""
    present = np.unique(rows.targets)
    is_label, is_predicted = rows.targets[:, None] == present, rows.predicted[:, None] == present
    return is_label.astype(np.float64), is_predicted.astype(np.float64)


@dataclass(frozen=True, eq=False)
class _Ranking:
    """Rows by rising score, of which P are positive, and where these stand.

    For each positive row, `before` [P] counts the rows with a lower score, `until` [P] those with a lower or
    an equal one.
    """

    order: npt.NDArray[np.intp]  # [N]
    is_positive: npt.NDArray[np.bool_]  # [N], in that order
    before: npt.NDArray[np.intp]
    until: npt.NDArray[np.intp]

    @classmethod
    def by(cls, scores: npt.NDArray[Any], is_positive: npt.NDArray[np.bool_]) -> _Ranking:
        """The ranking by scores [N], in which the rows marked in [N] are the positive ones."""
        order = np.argsort(scores, kind="stable")
        ranked, is_positive = scores[order], is_positive[order]
        own = ranked[is_positive]
        before, until = (np.searchsorted(ranked, own, side) for side in ("left", "right"))
        return cls(order, is_positive, before, until)


def _count_wins(ranking: _Ranking, counts: Counts) -> Values:
    """ROC AUC: how often a positive row has a higher score than a negative one; equal scores count half."""
    drawn = counts[:, ranking.order]  # [R, N]
    negatives = _accumulate(np.where(ranking.is_positive, 0.0, drawn))  # [R, N + 1]
    own = drawn[:, ranking.is_positive]  # [R, P]
    wins = (own * (negatives[:, ranking.before] + negatives[:, ranking.until])).sum(axis=1) / 2
    num_positive = own.sum(axis=1)
    return np.asarray(wins / (num_positive * (drawn.sum(axis=1) - num_positive)))


def _average_precisions(ranking: _Ranking, counts: Counts) -> Values:
    """The mean over positive rows of the precision among all rows up to theirs."""
    drawn = counts[:, ranking.order]  # [R, N]
    rows_until = _accumulate(drawn)[:, ranking.until]  # [R, P]
    positive_until = _accumulate(np.where(ranking.is_positive, drawn, 0.0))[:, ranking.until]
    own = drawn[:, ranking.is_positive]
    precision = np.divide(positive_until, rows_until, out=np.zeros_like(own), where=rows_until > 0)
    return np.asarray((own * precision).sum(axis=1) / own.sum(axis=1))


def _accumulate(counts: Counts) -> Counts:
    """The sums of the first 0, 1, ..., N columns [R, N + 1]."""
    return np.pad(np.cumsum(counts, axis=1), ((0, 0), (1, 0)))


def _mean_one_vs_rest(
    statistic: Callable[[_Ranking, Counts], Values], direction: int, rows: ScoredRows
) -> _Statistic:
    """Of the positive class, or the mean over the present classes; -1 ranks the highest score first."""
    scores = direction * np.pad(rows.probabilities, ((0, 0), (0, 1)))  # [N, C + 1]: of other labels 0
    classes = np.unique(rows.targets) if rows.positive is None else np.array([rows.positive])
    rankings = [_Ranking.by(scores[:, index], rows.targets == index) for index in classes]
    return lambda counts: np.array([statistic(ranking, counts) for ranking in rankings]).mean(axis=0)


_STATISTICS: Mapping[MetricName, Callable[[ScoredRows], _Statistic]] = MappingProxyType(
    {
        MetricName.ACCURACY: _accuracy,
        MetricName.BALANCED_ACCURACY: _balanced_accuracy,
        MetricName.MACRO_F1: _macro_f1,
        MetricName.LOG_LOSS: _log_loss,
        MetricName.ROC_AUC: partial(_mean_one_vs_rest, _count_wins, 1),
        MetricName.AVERAGE_PRECISION: partial(_mean_one_vs_rest, _average_precisions, -1),
    }
)
