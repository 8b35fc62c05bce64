"""Confidence interval of a share."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95


@dataclass(frozen=True)
class ConfidenceInterval:
    """From `low` to `high`, both within 0 and 1."""

    low: float
    high: float


def wilson_interval(correct: int, rows: int, confidence: float = CONFIDENCE) -> ConfidenceInterval:
    """The two-sided confidence interval of the share of correct answers (Wilson 1927, the score interval).

    (p + z^2/2n +- z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n), with p = correct / rows, n = rows,
    z = 1.96 for 95 %.
    Never empty, never beyond 0 or 1, also where no or every answer is correct. Raises ValueError for no row.

    >>> interval = wilson_interval(9, 10)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.5958, 0.9821)
    """
    if not 0 <= correct <= rows or rows == 0:
        raise ValueError(f"{correct} of {rows} rows is no share")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    proportion, denominator = correct / rows, 1 + z**2 / rows
    centre = (proportion + z**2 / (2 * rows)) / denominator
    half = z * sqrt(proportion * (1 - proportion) / rows + z**2 / (4 * rows**2)) / denominator
    # At the ends the two terms are equal except for rounding.
    return ConfidenceInterval(centre - half if correct else 0.0, centre + half if correct < rows else 1.0)
