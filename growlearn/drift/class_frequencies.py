"""Whether a change of the class frequencies alone explains a drift.

Under label shift the rows of each class stay as they were. A reference whose rows have the weight q_c / p_c
of their class c, with q the window's class frequencies and p its own, then looks like the window (Lipton,
Wang, Smola, ICML 2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import kstwo

from growlearn.drift.sample import Sample

FloatVector = npt.NDArray[np.float64]
ClassFrequencies = FloatVector
"""The frequency of each class of a task, in order; they sum to 1."""


@dataclass(frozen=True, kw_only=True)
class OutputDistance:
    """The largest Kolmogorov-Smirnov distance of any output, and the smallest p-value, corrected for all."""

    max_distance: float
    p_value: float


def compute_class_frequencies(sample: Sample, min_labelled: int = 1) -> ClassFrequencies | None:
    """The frequencies of a sample's known labels; None where fewer than `min_labelled` are known."""
    labelled_targets = sample.targets[sample.targets >= 0]
    if len(labelled_targets) < max(1, min_labelled):
        return None
    return np.bincount(labelled_targets, minlength=sample.outputs.shape[1]) / len(labelled_targets)


def total_variation(frequencies: ClassFrequencies, other_frequencies: ClassFrequencies) -> float:
    """Total variation: the share of labels that differ between the two frequencies."""
    return float(np.abs(frequencies - other_frequencies).sum() / 2)


def compute_output_distance(
    reference: Sample, window: Sample, frequencies: ClassFrequencies | None = None
) -> OutputDistance | None:
    """The distance of a window's outputs from the reference's, weighted to `frequencies` where given.

    The effective number of weighted rows is (sum w)^2 / sum w^2 (Kish 1965). None where a class with a
    positive frequency has no labelled row in the reference.
    """
    weights = (
        np.ones(len(reference.outputs))
        if frequencies is None
        else _importance_weights(reference, frequencies)
    )
    if weights is None:
        return None
    effective_rows = weights.sum() ** 2 / (weights**2).sum()
    combined_rows = max(
        1, round(effective_rows * len(window.outputs) / (effective_rows + len(window.outputs)))
    )
    outputs = range(reference.outputs.shape[1])
    distances = [
        _weighted_ks_distance(reference.outputs[:, output], weights, window.outputs[:, output])
        for output in outputs
    ]
    p_value = min(1.0, len(distances) * float(kstwo.sf(max(distances), combined_rows)))
    return OutputDistance(max_distance=max(distances), p_value=p_value)


def _importance_weights(reference: Sample, frequencies: ClassFrequencies) -> FloatVector | None:
    """A weight for each row, 0 for rows without a label."""
    labelled = reference.targets >= 0
    class_counts = np.bincount(reference.targets[labelled], minlength=len(frequencies))
    if (class_counts[frequencies > 0] == 0).any():
        return None
    weight_per_class = np.divide(
        frequencies, class_counts, out=np.zeros(len(frequencies)), where=class_counts > 0
    )
    return np.where(labelled, weight_per_class[reference.targets], 0.0)


def _weighted_ks_distance(
    reference: npt.NDArray[np.floating], weights: FloatVector, window: npt.NDArray[np.floating]
) -> float:
    """sup_x |F_w(x) - F(x)| of weighted reference rows against window rows."""
    order = np.argsort(reference)
    cumulative_weights = np.concatenate([[0.0], np.cumsum(weights[order]) / weights.sum()])
    points = np.unique(np.concatenate([reference, window]))
    reference_cdf = cumulative_weights[np.searchsorted(reference[order], points, "right")]
    window_cdf = np.searchsorted(np.sort(window), points, "right") / len(window)
    return float(np.abs(reference_cdf - window_cdf).max())
