"""Values of the metrics on labelled rows, by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from growlearn.domain.metric import Metric, MetricName

NO_ANSWER = -1
"""The predicted class of a row that a model cannot answer."""
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """What a model says of N labelled rows, and what they are.

    `probabilities` [N, C] of C classes, 0 in a row without an answer; `predicted` and `targets`, int64 [N],
    are class indices. A label that is none of the C classes has index C, so nothing predicted for it is
    correct. `positive` is the index of the positive one of two classes; None compares every class with the
    rest.
    """

    probabilities: npt.NDArray[Any]
    predicted: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    positive: int | None = None

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def correct(self) -> int:
        """How many rows are predicted correctly."""
        return int((self.predicted == self.targets).sum())

    def renumber(self, numbers: Sequence[int]) -> ScoredRows:
        """The same rows where class i of C is class numbers[i], an order of the C classes.

        >>> ScoredRows(np.array([[0.9, 0.1]]), np.array([0]), np.array([2])).renumber([1, 0])
        ScoredRows(probabilities=array([[0.1, 0.9]]), predicted=array([1]), targets=array([2]), positive=None)
        """
        index = np.array([*numbers, len(numbers), NO_ANSWER])
        positive = None if self.positive is None else int(index[self.positive])
        return ScoredRows(
            self.probabilities[:, np.argsort(numbers)], index[self.predicted], index[self.targets], positive
        )

    def take(self, indices: npt.NDArray[np.int64]) -> ScoredRows:
        """The rows at these indices, which may repeat."""
        return ScoredRows(
            self.probabilities[indices], self.predicted[indices], self.targets[indices], self.positive
        )


def compute_metric(metric: Metric, rows: ScoredRows) -> float | None:
    """The metric's value on these rows; None where it is not defined on them.

    Accuracy and log loss are not defined without a row, the others where all rows have one label (or, for a
    metric of a positive class, where either side has none). NaN where a probability is not finite.
    """
    if not len(rows) or (metric.needs_two_classes and _holds_one_class(rows)):
        return None
    if not np.isfinite(rows.probabilities).all():
        return float("nan")  # training diverged
    return float(_FUNCTIONS[metric.name](rows))


def _holds_one_class(rows: ScoredRows) -> bool:
    targets = rows.targets if rows.positive is None else rows.targets == rows.positive
    return bool((targets == targets[0]).all())


def compute_chance_level(
    metric: Metric, targets: npt.NDArray[np.int64], num_classes: int, positive: int | None
) -> float:
    """The value of one answer to every row: 1/C accuracy, else the best class or the rows' class frequencies.

    1/C, that of accuracy, where the metric is not defined on the rows.
    """
    if metric.name is MetricName.ACCURACY:
        return 1 / num_classes
    counts = np.bincount(targets[(targets >= 0) & (targets < num_classes)], minlength=num_classes)
    same = np.tile(counts / max(counts.sum(), 1), (len(targets), 1))  # [N, C]
    constant_answers = range(num_classes) if metric.chooses_threshold else (0,)
    values = [
        compute_metric(metric, ScoredRows(same, np.full(len(targets), answer), targets, positive))
        for answer in constant_answers
    ]
    defined = [value for value in values if value is not None]
    return max(defined, key=metric.merit) if defined else 1 / num_classes


def compute_label_losses(rows: ScoredRows) -> Values:
    """The log loss of each row in nats: float64 [N].

    A probability of 0 for the label counts as the smallest above it, so that every loss is finite.
    """
    probabilities = np.pad(rows.probabilities.astype(np.float64), ((0, 0), (0, 1)))  # of other labels 0
    no_answer = np.clip(1 - probabilities.sum(axis=1), 0, 1)
    of_label = probabilities[np.arange(len(rows)), rows.targets] / (probabilities.sum(axis=1) + no_answer)
    smallest = np.finfo(np.float64).eps
    return np.asarray(-np.log(of_label.clip(smallest, 1 - smallest)))


def _sklearn() -> Any:
    """scikit-learn's metrics, imported where one is first asked for: that takes seconds."""
    import sklearn.metrics  # noqa: PLC0415 - takes seconds

    return sklearn.metrics


def _accuracy(rows: ScoredRows) -> float:
    return float((rows.predicted == rows.targets).mean())


def _balanced_accuracy(rows: ScoredRows) -> float:
    """The mean recall of the classes that are present."""
    present = np.unique(rows.targets)
    recall = _sklearn().recall_score(
        rows.targets, rows.predicted, labels=present, average="macro", zero_division=0.0
    )
    return float(recall)


def _macro_f1(rows: ScoredRows) -> float:
    """The mean F1 of the classes that are present."""
    present = np.unique(rows.targets)
    f1 = _sklearn().f1_score(rows.targets, rows.predicted, labels=present, average="macro", zero_division=0.0)
    return float(f1)


def _log_loss(rows: ScoredRows) -> float:
    return float(compute_label_losses(rows).mean())


def _roc_auc(rows: ScoredRows) -> float:
    return _mean_one_vs_rest(rows, _sklearn().roc_auc_score)


def _average_precision(rows: ScoredRows) -> float:
    return _mean_one_vs_rest(rows, _sklearn().average_precision_score)


def _mean_one_vs_rest(rows: ScoredRows, score: Callable[..., float]) -> float:
    """The score of the positive class, or the mean over the present classes, each against the rest."""
    num_rows = len(rows)
    scores = np.concatenate([rows.probabilities, np.zeros((num_rows, 1))], axis=1)  # [N, C + 1]
    classes = np.unique(rows.targets) if rows.positive is None else np.array([rows.positive])
    return float(np.mean([score(rows.targets == index, scores[:, index]) for index in classes]))


_FUNCTIONS: Mapping[MetricName, Callable[[ScoredRows], float]] = MappingProxyType(
    {
        MetricName.ACCURACY: _accuracy,
        MetricName.BALANCED_ACCURACY: _balanced_accuracy,
        MetricName.MACRO_F1: _macro_f1,
        MetricName.LOG_LOSS: _log_loss,
        MetricName.ROC_AUC: _roc_auc,
        MetricName.AVERAGE_PRECISION: _average_precision,
    }
)
