"""Whether a window's labels say that the answers got worse, and by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import fisher_exact, norm

from growlearn.drift.sample import Sample, errors_of

_CONFIDENCE = 0.95  # one-sided, of the bounds that are told


@dataclass(frozen=True, kw_only=True)
class Harm:
    """The error rate of a task's head on labelled rows of a window against that on its reference.

    `p_value` is for "no worse than on the reference" (Fisher's exact test, one-sided); `lowest` and `highest`
    bound the rise of the error rate, each with 95 % confidence (Newcombe's hybrid of Wilson's intervals,
    Statistics in Medicine 1998, method 10).
    """

    errors: int
    rows: int
    reference_errors: int
    reference_rows: int
    p_value: float
    lowest: float
    highest: float

    @property
    def rise(self) -> float:
        """Error rate on the window less that on the reference, from -1 to 1."""
        return self.errors / self.rows - self.reference_errors / self.reference_rows

    @property
    def told(self) -> str:
        """Both error rates in words."""
        here, there = self.errors / self.rows, self.reference_errors / self.reference_rows
        return f"{here:.1%} of {self.rows} labelled rows wrong against {there:.1%} of {self.reference_rows}"


def harm_of(reference: Sample, window: Sample, least: int) -> Harm | None:
    """Compare the errors of both sides' labelled rows; None where either side has fewer than `least`.

    A row whose label is none of the task's classes counts as unlabelled.
    """
    there, here = errors_of(reference), errors_of(window)
    if min(len(there), len(here)) < max(1, least):
        return None
    wrong, wrong_there = int(here.sum()), int(there.sum())
    table = [[wrong, len(here) - wrong], [wrong_there, len(there) - wrong_there]]
    lowest, highest = _bounds_of_difference(wrong, len(here), wrong_there, len(there))
    return Harm(
        errors=wrong,
        rows=len(here),
        reference_errors=wrong_there,
        reference_rows=len(there),
        p_value=float(fisher_exact(table, alternative="greater").pvalue),
        lowest=lowest,
        highest=highest,
    )


def _bounds_of_difference(errors: int, rows: int, errors_there: int, rows_there: int) -> tuple[float, float]:
    """Bounds of p1 - p2 from the Wilson bounds (l, u) of either share."""
    share, there = errors / rows, errors_there / rows_there
    low, high = _wilson(errors, rows)
    low_there, high_there = _wilson(errors_there, rows_there)
    gap = share - there
    lowest = gap - math.hypot(share - low, high_there - there)
    highest = gap + math.hypot(high - share, there - low_there)
    return lowest, highest


def _wilson(hits: int, rows: int) -> tuple[float, float]:
    z = float(norm.ppf(_CONFIDENCE))
    share = hits / rows
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows)) / (1 + z * z / rows)
    return middle - half, middle + half
