"""Whether the error rate on a window's labelled rows rose, and by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import fisher_exact

from growlearn.domain.interval import wilson_interval
from growlearn.drift.sample import Sample, prediction_errors

_CONFIDENCE = 0.9  # two-sided, so 0.95 for each bound


@dataclass(frozen=True, kw_only=True)
class ErrorRateChange:
    """The error rate of a task's head on labelled rows of a window against that on its reference.

    `p_value` tests "no worse than on the reference" (Fisher's exact test, one-sided). `ci_low` and `ci_high`
    bound the increase of the error rate, each with 95 % confidence (Newcombe's hybrid score interval from
    Wilson's, Statistics in Medicine 1998, method 10).
    """

    window_errors: int
    window_rows: int
    reference_errors: int
    reference_rows: int
    p_value: float
    ci_low: float
    ci_high: float

    @property
    def increase(self) -> float:
        """Error rate on the window less that on the reference, from -1 to 1."""
        return self.window_errors / self.window_rows - self.reference_errors / self.reference_rows

    @property
    def description(self) -> str:
        """Both error rates in words."""
        window_rate = self.window_errors / self.window_rows
        reference_rate = self.reference_errors / self.reference_rows
        window_text = f"{window_rate:.1%} of {self.window_rows} labelled rows wrong"
        return f"{window_text} against {reference_rate:.1%} of {self.reference_rows}"


def compare_error_rates(reference: Sample, window: Sample, min_labelled: int) -> ErrorRateChange | None:
    """Compare the errors of both sides' labelled rows; None where either side has fewer than `min_labelled`.

    A row whose label is none of the task's classes counts as unlabelled.
    """
    reference_wrong, window_wrong = prediction_errors(reference), prediction_errors(window)
    if min(len(reference_wrong), len(window_wrong)) < max(1, min_labelled):
        return None
    num_wrong, num_reference_wrong = int(window_wrong.sum()), int(reference_wrong.sum())
    table = [
        [num_wrong, len(window_wrong) - num_wrong],
        [num_reference_wrong, len(reference_wrong) - num_reference_wrong],
    ]
    ci_low, ci_high = _newcombe_interval(
        num_wrong, len(window_wrong), num_reference_wrong, len(reference_wrong)
    )
    return ErrorRateChange(
        window_errors=num_wrong,
        window_rows=len(window_wrong),
        reference_errors=num_reference_wrong,
        reference_rows=len(reference_wrong),
        p_value=float(fisher_exact(table, alternative="greater").pvalue),
        ci_low=ci_low,
        ci_high=ci_high,
    )


def _newcombe_interval(
    errors: int, rows: int, reference_errors: int, reference_rows: int
) -> tuple[float, float]:
    """Bounds of p1 - p2 from the Wilson bounds (l, u) of each rate."""
    rate, reference_rate = errors / rows, reference_errors / reference_rows
    window = wilson_interval(errors, rows, _CONFIDENCE)
    reference = wilson_interval(reference_errors, reference_rows, _CONFIDENCE)
    difference = rate - reference_rate
    ci_low = difference - math.hypot(rate - window.low, reference.high - reference_rate)
    ci_high = difference + math.hypot(window.high - rate, reference_rate - reference.low)
    return ci_low, ci_high
