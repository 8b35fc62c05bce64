"""Loss, accuracy and metric of the prefixes of a lineage on validation rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

from growlearn.domain.metric import Metric

HeadMetric: TypeAlias = Callable[[Tensor, Tensor], float | None]
"""Measures logits [N, C] of rows with targets [N]; None where it is not defined on them."""


@dataclass(frozen=True)
class PrefixMetrics:
    """Validation loss, accuracy and value of the metric of the last prefixes, the whole lineage last.

    Values are None where the metric is accuracy, or not defined on the rows.
    """

    losses: tuple[float, ...]
    accuracies: tuple[float, ...]
    values: tuple[float | None, ...]

    def last_prefixes(self, prefixes: int) -> PrefixMetrics:
        """The metrics of the last `prefixes` prefixes only."""
        return PrefixMetrics(self.losses[-prefixes:], self.accuracies[-prefixes:], self.values[-prefixes:])

    def merits(self, metric: Metric) -> tuple[float, ...]:
        """What prefixes are compared by, more is better: the metric, or accuracy where it has no value."""
        pairs = zip(self.values, self.accuracies, strict=True)
        return tuple(accuracy if value is None else metric.merit(value) for value, accuracy in pairs)


def fewest_branches_within(merits: Sequence[float], max_drop: float | None) -> int:
    """The fewest new branches whose merit is at most `max_drop` below that of all.

    >>> fewest_branches_within((0.80, 0.84, 0.845), 0.01), fewest_branches_within((0.80, 0.84, 0.845), None)
    (2, 3)
    """
    if max_drop is None:
        return len(merits)
    return 1 + next(index for index, merit in enumerate(merits) if merit >= merits[-1] - max_drop)
