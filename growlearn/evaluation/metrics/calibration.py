"""Calibration: whether predictions with a confidence of 80 % are correct 80 times of 100."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from growlearn.evaluation.predictions import Predictions

CALIBRATION_BINS = 15
"""Bins of equal width over confidences from 0 to 1, as in Guo et al. (2017)."""


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """Rows predicted with a confidence above `low` and up to `high`: their mean confidence and accuracy."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class ReliabilityDiagram:
    """The expected calibration error, 0 to 1, and the bins that hold any row."""

    ece: float
    bins: tuple[CalibrationBin, ...]


def compute_calibration(predictions: Predictions) -> ReliabilityDiagram:
    """ECE = sum over bins m of n_m / N |accuracy_m - confidence_m| (Guo et al. 2017, equation 3).

    A row's confidence is the probability of its prediction; bin m of 15 holds those in
    ((m - 1)/15, m/15].

    >>> logits = np.log(np.array([[0.9, 0.1], [0.9, 0.1]], np.float32))
    >>> calibration = compute_calibration(Predictions(logits, np.array([0, 1])))
    >>> round(calibration.ece, 3), [(item.rows, item.accuracy) for item in calibration.bins]
    (0.4, [(2, 0.5)])
    """
    confidences, correct = compute_confidence(predictions), predictions.correct
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    bin_indices = np.searchsorted(edges[1:-1], confidences)  # [N], 0 to 14
    bins = tuple(
        CalibrationBin(
            low=float(edges[bin_index]),
            high=float(edges[bin_index + 1]),
            rows=int((bin_indices == bin_index).sum()),
            confidence=float(confidences[bin_indices == bin_index].mean()),
            accuracy=float(correct[bin_indices == bin_index].mean()),
        )
        for bin_index in np.unique(bin_indices).tolist()
    )
    ece = sum(
        calibration_bin.rows * abs(calibration_bin.accuracy - calibration_bin.confidence)
        for calibration_bin in bins
    ) / len(correct)
    return ReliabilityDiagram(ece=ece, bins=bins)


def compute_confidence(predictions: Predictions) -> npt.NDArray[np.float64]:
    """The confidence of each row's prediction, float64 [N]: the softmax of its logit.

    >>> compute_confidence(Predictions(np.zeros((1, 4), np.float32), np.array([0]))).tolist()
    [0.25]
    """
    logits = predictions.logits.astype(np.float64)
    relative = np.exp(logits - logits.max(axis=1, keepdims=True))  # [N, C], the largest is 1
    return np.asarray(relative[np.arange(len(relative)), predictions.predicted] / relative.sum(axis=1))
