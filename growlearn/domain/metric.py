"""The metric by which a stream's models are chosen, gated and reported: its name, direction and unit.

How a metric is computed is in `growlearn/metrics.py`; nothing else asks whether more of it is better.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class MetricName(StrEnum):
    """Names of metrics, as a job file writes them."""

    ACCURACY = "accuracy"
    BALANCED_ACCURACY = "balanced_accuracy"
    MACRO_F1 = "macro_f1"
    LOG_LOSS = "log_loss"
    ROC_AUC = "roc_auc"
    AVERAGE_PRECISION = "average_precision"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One way to score predictions of labelled rows.

    `needs_two_classes`: it has no value on rows that all have one label. `chooses_threshold`: it scores
    predicted classes, and for two classes the threshold between them is chosen by it. `is_share`: it is a
    share of rows, shown in percent. `is_relative`: a least gain is a share of its value, which may be near 0:
    an average precision where positives are rare, a log loss. `worst` is its worst possible value.
    """

    name: MetricName
    greater_is_better: bool = True
    needs_two_classes: bool = True
    chooses_threshold: bool = False
    is_share: bool = False
    is_relative: bool = False
    worst: float = 0.0

    @property
    def is_accuracy(self) -> bool:
        """Whether this is the share of rows predicted correctly, for which there are exact tests."""
        return self.name is MetricName.ACCURACY

    def merit(self, value: float) -> float:
        """The value, turned so that more is better: its negative for a metric of which less is better."""
        return value if self.greater_is_better else -value

    def scale_bound(self, share: float, value: float) -> float:
        """A least gain over this value: the share itself, or that share of the value.

        >>> ACCURACY.scale_bound(0.02, 0.5), METRICS[MetricName.AVERAGE_PRECISION].scale_bound(0.02, 0.5)
        (0.02, 0.01)
        """
        return share * abs(value) if self.is_relative else share

    def count_nan_as_worst(self, value: float | None) -> float | None:
        """The value; the worst one for NaN, which answers have whose probabilities are no numbers.

        NaN would compare as neither better nor worse, and SQLite stores it as "not defined".
        """
        return self.worst if value is not None and math.isnan(value) else value

    def format_value(self, value: float | None) -> str:
        """A value for people, in percent for shares."""
        if value is None:
            return "not defined"
        return f"{value:.2%}" if self.is_share else f"{value:.4f}"

    def format_gain(self, gain: float) -> str:
        """A difference of merits for people, in points for shares."""
        return f"{100 * gain:+.2f} points" if self.is_share else f"{gain:+.4f}"

    def format_bound(self, share: float) -> str:
        """A bound on gains for people, as the job states it."""
        return f"{share:.2%} of its value" if self.is_relative else self.format_gain(share)[1:]

    def format_interval(self, low: float, high: float) -> str:
        """An interval of a gain for people, without its unit."""
        return f"{100 * low:+.2f} to {100 * high:+.2f}" if self.is_share else f"{low:+.4f} to {high:+.4f}"


METRICS: Mapping[MetricName, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(name=MetricName.ACCURACY, needs_two_classes=False, is_share=True),
            Metric(name=MetricName.BALANCED_ACCURACY, chooses_threshold=True, is_share=True),
            Metric(name=MetricName.MACRO_F1, chooses_threshold=True, is_share=True),
            Metric(
                name=MetricName.LOG_LOSS,
                greater_is_better=False,
                needs_two_classes=False,
                is_relative=True,
                worst=52 * math.log(2),  # of probability 0, which counts as 2 to the power of -52
            ),
            Metric(name=MetricName.ROC_AUC),
            Metric(name=MetricName.AVERAGE_PRECISION, is_relative=True),
        )
    }
)
"""Every metric by its name."""


def mean_over_windows(values: Iterable[tuple[float | None, int]]) -> float | None:
    """The mean of values weighted by their rows; those that are not defined do not count. None without any.

    >>> mean_over_windows([(0.5, 100), (None, 7), (0.8, 50)])
    0.6
    """
    defined = [(value, rows) for value, rows in values if value is not None]
    total = sum(rows for _, rows in defined)
    return sum(value * rows for value, rows in defined) / total if total else None


ACCURACY = METRICS[MetricName.ACCURACY]
