"""How exactly a share is known from a number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)  # 1.96


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, both within 0 and 1."""

    low: float
    high: float


def wilson(correct: int, rows: int) -> Interval:
    """Where the true share of right answers lies, with 95 % confidence (Wilson 1927, his score interval).

    (p + z^2/2n +- z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n), with p = correct / rows, n = rows, z = 1.96.
    Never empty, never beyond 0 or 1, also where no or every answer is right. ValueError for no row at all.

    >>> interval = wilson(9, 10)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.5958, 0.9821)
    """
    if not 0 <= correct <= rows or rows == 0:
        raise ValueError(f"{correct} of {rows} rows is no share")
    share, grown = correct / rows, 1 + _Z**2 / rows
    centre = (share + _Z**2 / (2 * rows)) / grown
    half = _Z * sqrt(share * (1 - share) / rows + _Z**2 / (4 * rows**2)) / grown
    # At the ends the two terms are equal, but for rounding.
    return Interval(centre - half if correct else 0.0, centre + half if correct < rows else 1.0)
