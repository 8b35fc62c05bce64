"""The kind of drift of a window that matches no known task, and whether it needs growth.

A data quality issue, other class frequencies, and a covariate shift that labels show not to raise the error
rate need no growth. Any other drift does.
"""

from __future__ import annotations

from dataclasses import dataclass

from growlearn.domain.drift import DriftKind
from growlearn.domain.drift_config import DriftConfig
from growlearn.domain.window import Verdict
from growlearn.drift.class_frequencies import (
    ClassFrequencies,
    compute_class_frequencies,
    compute_output_distance,
    total_variation,
)
from growlearn.drift.data_quality import find_quality_issue
from growlearn.drift.detectors.label_shift import estimate_class_frequencies
from growlearn.drift.detectors.result import Inconclusive
from growlearn.drift.task_comparison import TaskComparison
from growlearn.drift.task_data import TaskComparisonData

_MIN_TOTAL_VARIATION = 0.1  # share of labels that changed
_MIN_P_VALUE = 1e-4  # below it label shift is not the explanation; tested in every window of such a shift
_MIN_P_VALUE_FULLY_EXPLAINED = 0.01  # from here on known labels explain the drift, whatever the distance
_MAX_REMAINING_DISTANCE = 0.5  # of the original distance; estimated frequencies may fit any change a little


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The kind of drift, the resulting verdict, and the reason."""

    verdict: Verdict
    kind: DriftKind
    reason: str


def diagnose(data: TaskComparisonData, comparison: TaskComparison, config: DriftConfig) -> Diagnosis:
    """Diagnose a window's drift from its nearest task, given as `data` and its `comparison`."""
    issue = find_quality_issue(data.reference_sample, data.window_sample)
    if issue is not None:
        reason = f"the data looks broken, so nothing is learned from it: {issue}"
        return Diagnosis(verdict=Verdict.INCONCLUSIVE, kind=DriftKind.DATA_QUALITY, reason=reason)
    if not comparison.degraded and (frequencies := _explaining_class_frequencies(data, config)) is not None:
        reason = f"only the class frequencies changed: {_describe_frequencies(frequencies, data)}"
        return Diagnosis(verdict=Verdict.WARN, kind=DriftKind.LABEL_SHIFT, reason=reason)
    error_change = comparison.error_change
    if error_change is not None and error_change.ci_high <= config.min_error_increase:
        increase = f"{error_change.description}, at most {error_change.ci_high:+.1%}"
        reason = f"the inputs changed but not the error rate: {increase} (drift.min_error_increase)"
        return Diagnosis(verdict=Verdict.WARN, kind=DriftKind.COVARIATE_SHIFT, reason=reason)
    return Diagnosis(verdict=Verdict.DRIFT, kind=DriftKind.COVARIATE_SHIFT, reason="")


def _explaining_class_frequencies(data: TaskComparisonData, config: DriftConfig) -> ClassFrequencies | None:
    """The window's class frequencies, where they explain its distance from the reference."""
    reference_frequencies = compute_class_frequencies(data.reference_sample)
    window_frequencies = compute_class_frequencies(data.window_sample, config.min_rows)
    if reference_frequencies is None:
        return None
    try:
        frequencies = (
            estimate_class_frequencies(data.reference_sample, data.window_sample)
            if window_frequencies is None
            else window_frequencies
        )
    except Inconclusive:
        return None
    distance_before, distance_after = (
        compute_output_distance(data.reference_sample, data.window_sample, target_frequencies)
        for target_frequencies in (None, frequencies)
    )
    if (
        distance_before is None
        or distance_after is None
        or total_variation(frequencies, reference_frequencies) < _MIN_TOTAL_VARIATION
    ):
        return None
    if window_frequencies is not None and distance_after.p_value >= _MIN_P_VALUE_FULLY_EXPLAINED:
        return frequencies
    return (
        frequencies
        if distance_after.p_value >= _MIN_P_VALUE
        and distance_after.max_distance <= _MAX_REMAINING_DISTANCE * distance_before.max_distance
        else None
    )


def _describe_frequencies(frequencies: ClassFrequencies, data: TaskComparisonData) -> str:
    """The classes whose frequencies changed most, at most three."""
    reference_frequencies = compute_class_frequencies(data.reference_sample)
    assert reference_frequencies is not None, "explained frequencies need a labelled reference"
    most_changed = sorted(
        range(len(frequencies)), key=lambda index: -abs(frequencies[index] - reference_frequencies[index])
    )[:3]
    label_at = data.reference_sample.label_at
    return ", ".join(
        f"class {label_at(index)} {reference_frequencies[index]:.0%} -> {frequencies[index]:.0%}"
        for index in most_changed
    )
