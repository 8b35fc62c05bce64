"""What a version's accuracy on a window was thought to be before labels, beside what it turned out to be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MIN_KNOWN_ROWS = 30
"""Fewer labelled rows contradict hardly any estimate, so they do not count for or against it."""


@dataclass(frozen=True, kw_only=True)
class AccuracyEstimate:
    """The estimated accuracy of `version` on `rows` rows of a window: 95 % between `low` and `high`.

    Of `known_rows` of them the label is known by now, and `known_correct` were answered correctly; on these
    rows alone the same estimate expected an accuracy from `known_low` to `known_high`.
    """

    window: str
    version: int
    rows: int
    accuracy: float
    low: float
    high: float
    known_rows: int = 0
    known_correct: int = 0
    known_low: float | None = None
    known_high: float | None = None

    @property
    def known_accuracy(self) -> float | None:
        """The accuracy on the rows whose label is known; None where there are none."""
        return self.known_correct / self.known_rows if self.known_rows else None

    @property
    def is_right(self) -> bool | None:
        """Whether that is within what was expected of these rows; None below 30 of them."""
        if self.known_rows < MIN_KNOWN_ROWS or self.known_low is None or self.known_high is None:
            return None
        return self.known_low <= self.known_correct / self.known_rows <= self.known_high


@dataclass(frozen=True)
class EstimateRecord:
    """Of so many estimates that could be compared with labels, how many were right."""

    compared: int
    right: int


def count_right(estimates: Iterable[AccuracyEstimate]) -> EstimateRecord:
    """How often estimates were right."""
    outcomes = [estimate.is_right for estimate in estimates if estimate.is_right is not None]
    return EstimateRecord(len(outcomes), sum(outcomes))
