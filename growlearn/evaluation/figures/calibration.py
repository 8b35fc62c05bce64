"""Whether answers given with 80 % confidence are right 80 times of 100."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from growlearn.evaluation.answers import Answers

BINS = 15
"""Of equal width over confidences from 0 to 1, as in Guo et al. (2017)."""


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Rows answered with a confidence above `low` and up to `high`: their mean confidence and accuracy."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The expected calibration error, 0 to 1, and what it was added up from: the bins that hold any row."""

    error: float
    bins: tuple[Bin, ...]


def calibration(answers: Answers) -> Calibration:
    """ECE = sum over bins m of n_m / N |accuracy_m - confidence_m| (Guo et al. 2017, equation 3).

    A row's confidence is the largest softmax probability of its logits; bin m of 15 holds those in
    ((m - 1)/15, m/15].

    >>> answers = Answers(np.log(np.array([[0.9, 0.1], [0.9, 0.1]], np.float32)), np.array([0, 1]))
    >>> found = calibration(answers)
    >>> round(found.error, 3), [(each.rows, each.accuracy) for each in found.bins]
    (0.4, [(2, 0.5)])
    """
    confidences, right = confidence(answers), answers.right
    edges = np.linspace(0, 1, BINS + 1)
    places = np.searchsorted(edges[1:-1], confidences)  # [N], 0 to 14
    bins = tuple(
        Bin(
            low=float(edges[place]),
            high=float(edges[place + 1]),
            rows=int((places == place).sum()),
            confidence=float(confidences[places == place].mean()),
            accuracy=float(right[places == place].mean()),
        )
        for place in np.unique(places).tolist()
    )
    error = sum(each.rows * abs(each.accuracy - each.confidence) for each in bins) / len(right)
    return Calibration(error=error, bins=bins)


def confidence(answers: Answers) -> npt.NDArray[np.float64]:
    """The probability of each row's answer, float64 [N]: the largest of the softmax of its logits.

    >>> confidence(Answers(np.zeros((1, 4), np.float32), np.array([0]))).tolist()
    [0.25]
    """
    logits = answers.logits.astype(np.float64)
    relative = np.exp(logits - logits.max(axis=1, keepdims=True))  # [N, C], the largest is 1
    return np.asarray(1 / relative.sum(axis=1))
