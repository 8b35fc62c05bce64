"""A classifier two-sample test on the features that a task's head reads.

Source: Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests" (ICLR 2017); the held-out predictions
are tested with Fisher's exact test, which allows for sides of different size.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import hypergeom
from sklearn.linear_model import LogisticRegression

from growlearn.drift.detectors.result import DetectorResult, check_features
from growlearn.drift.detectors.subsample import subsample_features
from growlearn.drift.sample import HeadFeatures, Sample

MAX_CLASSIFIER_ROWS = 2000
"""Rows used of either side."""
_INVERSE_REGULARIZATION = 0.01  # scikit-learn's C, on features of unit variance; avoids overfitting few rows
_MAX_ITERATIONS = 200  # of L-BFGS; far more than needed with this regularization

WindowMask = npt.NDArray[np.bool_]


def classifier_two_sample(reference: Sample, query: Sample, alpha: float) -> tuple[DetectorResult, ...]:
    """Whether logistic regression on features [N_ref, F], [N, F] predicts the side of held-out rows.

    Each side is split into two halves; a classifier fitted on one half of both, with balanced class weights,
    predicts the side of the other half. Given its predictions, the number of window rows among those it
    predicts as window is hypergeometric where both sides have one distribution: p_h = P(X >= x), exact, and
    p = min(1, 2 min(p_1, p_2)) for the two halves together. The statistic is the balanced accuracy A, the
    mean of both halves; the effect is 2 (A - 0.5), from 0 (no better than chance) to 1, below 0 by chance.
    Shifts that leave the feature means unchanged are not detected. With more than 2,000 rows a side a
    subsample of fixed seed is used. Raises Inconclusive below 4 rows a side, where features are not finite or
    the reference features are constant.
    """
    check_features(reference, query, min_rows=4)
    x, y = (subsample_features(side.features, MAX_CLASSIFIER_ROWS, seed=0) for side in (reference, query))
    halves = [(x[start::2], y[start::2]) for start in (0, 1)]
    tests = [
        _test_on_held_out(_stack(*train), _stack(*held_out)) for train, held_out in (halves, halves[::-1])
    ]
    accuracy = sum(half_accuracy for half_accuracy, _ in tests) / 2
    result = DetectorResult(
        name="all features",
        statistic=accuracy,
        p_value=min(1.0, 2 * min(p_value for _, p_value in tests)),
        threshold=alpha,
        effect=2 * (accuracy - 0.5),
    )
    return (result,)


def _stack(x: HeadFeatures, y: HeadFeatures) -> tuple[HeadFeatures, WindowMask]:
    """Rows of both sides [n, F], and whether each is the window's [n]."""
    return np.concatenate([x, y]).astype(np.float64), np.arange(len(x) + len(y)) >= len(x)


def _test_on_held_out(
    train: tuple[HeadFeatures, WindowMask], held_out: tuple[HeadFeatures, WindowMask]
) -> tuple[float, float]:
    """Balanced accuracy on the held-out rows, and its one-sided p-value."""
    mean, scale = train[0].mean(0), train[0].std(0)
    scale = np.where(scale > 0, scale, 1.0)
    model = LogisticRegression(C=_INVERSE_REGULARIZATION, class_weight="balanced", max_iter=_MAX_ITERATIONS)
    model.fit((train[0] - mean) / scale, train[1])
    predicted = model.predict((held_out[0] - mean) / scale).astype(bool)  # [n]
    is_window, num_right = held_out[1], int((predicted & held_out[1]).sum())
    rows = len(is_window)
    p_value = float(hypergeom.sf(num_right - 1, rows, int(is_window.sum()), int(predicted.sum())))
    accuracy = (predicted[is_window].mean() + (~predicted[~is_window]).mean()) / 2
    return float(accuracy), p_value
