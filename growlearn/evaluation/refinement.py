"""A refined task against its version before, row by row on the same hold-out rows.

A row's log loss is -log p(label) in nats. A probability below 0.001, or a tenth of chance where that is less,
counts as that: else one row of a class that an answer lacks, 34 nats, would outweigh dozens that are answered
badly. Paired differences are tested by Student's t-test, correct predictions by McNemar's exact test.
Probabilities that are no numbers, because training diverged, count as 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.stats import ttest_ind

from growlearn.domain.metric import ACCURACY, Metric
from growlearn.domain.refinement_score import LossChange, MetricChange, RefinementScore
from growlearn.evaluation.paired_tests import mcnemar_p_value, mean_decrease_p_value
from growlearn.evaluation.predictions import Predictions
from growlearn.evaluation.swap_test import swap_p_values
from growlearn.metrics import ScoredRows, Values, compute_metric
from growlearn.network.head_output import to_probabilities

_MIN_PROBABILITY = 1e-3
_MIN_SHARE_OF_CHANCE = 0.1


@dataclass(frozen=True, eq=False)
class PredictionPair:
    """Predictions of the same rows by a task's version before, and by the refined one."""

    before: Predictions
    after: Predictions


def score_refinement(
    earlier: PredictionPair,
    new: PredictionPair | None,
    alpha: float,
    *,
    metric: Metric = ACCURACY,
    positive: int | None = None,
    after_drift: bool = False,
    is_repeated: bool = False,
) -> RefinementScore:
    """The change on the task's earlier hold-out rows, on those of the new windows, and on both together.

    `metric` is the job's, `positive` the index of the positive class of two. It stands in for accuracy where
    it scores predicted classes, and both versions have the same ones.
    """
    change = partial(_measure_both_changes, metric, positive, alpha)
    earlier_change = change([earlier])
    return RefinementScore(
        earlier=earlier_change,
        new=None if new is None else _measure_change([new]),
        both=earlier_change if new is None else change([earlier, new]),
        alpha=alpha,
        after_drift=after_drift,
        is_repeated=is_repeated,
    )


def all_log_losses(predictions: Predictions) -> Values:
    """The log loss of every row in nats: float64 [N]. A class that is not known has the least probability."""
    return _losses_of(predictions, np.ones(len(predictions.targets), dtype=bool))


def row_log_losses(predictions: Predictions) -> Values:
    """The log loss of each row whose label is one of the task's classes, in nats: float64 [N].

    >>> logits = np.log(np.array([[0.5, 0.5], [0.2, 0.8]], np.float32))
    >>> row_log_losses(Predictions(logits, np.array([0, 1]))).round(3)
    array([0.693, 0.223])
    """
    return _losses_of(predictions, _is_known(predictions))


def _is_known(predictions: Predictions) -> npt.NDArray[np.bool_]:
    """Which labels are among the task's classes, bool [N]."""
    return np.asarray(predictions.targets < predictions.logits.shape[1])


def _losses_of(predictions: Predictions, rows: npt.NDArray[np.bool_]) -> Values:
    """The log loss of the chosen rows; a class that the task does not have has the least probability."""
    probabilities = to_probabilities(predictions.logits[rows]).astype(np.float64)  # [n, C]
    padded = np.pad(probabilities, ((0, 0), (0, 1)))
    chosen = padded[np.arange(len(padded)), predictions.targets[rows]]
    least = min(_MIN_PROBABILITY, _MIN_SHARE_OF_CHANCE / max(1, predictions.logits.shape[1]))
    losses: Values = -np.log(np.nan_to_num(chosen, nan=0.0).clip(least, 1.0))
    return losses


def loss_increase_p_value(losses: Values, earlier_losses: Values) -> float:
    """One-sided p-value of "the mean loss is no higher than earlier", on other rows: Welch's t-test."""
    if min(len(losses), len(earlier_losses)) < 2 or np.ptp(losses) + np.ptp(earlier_losses) == 0:
        return 1.0
    return float(ttest_ind(losses, earlier_losses, equal_var=False, alternative="greater").pvalue)


def _measure_both_changes(
    metric: Metric, positive: int | None, alpha: float, pairs: list[PredictionPair]
) -> LossChange:
    """The change by log loss, with that by the metric."""
    return replace(_measure_change(pairs), by_metric=_measure_metric_change(metric, positive, alpha, pairs))


def _measure_metric_change(
    metric: Metric, positive: int | None, alpha: float, pairs: list[PredictionPair]
) -> MetricChange | None:
    """The change by a metric that scores predicted classes; None for another, or where it is not defined."""
    has_same_classes = all(pair.before.logits.shape == pair.after.logits.shape for pair in pairs)
    if not metric.chooses_threshold or not has_same_classes:
        return None
    before, after = (
        _concat_scored_rows([getattr(pair, side) for pair in pairs], positive) for side in ("before", "after")
    )
    values = [compute_metric(metric, rows) for rows in (before, after)]
    if values[0] is None or values[1] is None or math.isnan(values[0] + values[1]):
        return None
    p_drop, p_rise = swap_p_values(metric, before, after, alpha)
    return MetricChange(metric=metric.name, before=values[0], after=values[1], p_drop=p_drop, p_rise=p_rise)


def _concat_scored_rows(predictions: list[Predictions], positive: int | None) -> ScoredRows:
    parts = [each.to_scored_rows(positive) for each in predictions]
    return ScoredRows(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.predicted for part in parts]),
        np.concatenate([part.targets for part in parts]),
        positive,
    )


def _measure_change(pairs: list[PredictionPair]) -> LossChange:
    known = [_is_known(pair.after) for pair in pairs]  # the version before may lack a class
    before = np.concatenate([_losses_of(pair.before, rows) for pair, rows in zip(pairs, known, strict=True)])
    after = np.concatenate([_losses_of(pair.after, rows) for pair, rows in zip(pairs, known, strict=True)])
    was_correct = np.concatenate([pair.before.correct for pair in pairs])
    is_correct = np.concatenate([pair.after.correct for pair in pairs])
    lost, gained = int((was_correct & ~is_correct).sum()), int((is_correct & ~was_correct).sum())
    return LossChange(
        rows=len(before),
        loss_before=float(before.mean()),
        loss_after=float(after.mean()),
        p_decrease=mean_decrease_p_value(before - after),
        p_increase=mean_decrease_p_value(after - before),
        accuracy_before=float(was_correct.mean()),
        accuracy_after=float(is_correct.mean()),
        p_accuracy_drop=mcnemar_p_value(lost, gained),
    )
