"""A classifier two-sample test on the features that a task's head reads.

Source: Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests" (ICLR 2017); the exact test of the
held-out answers is Fisher's, which holds for sides of unlike size.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import hypergeom
from sklearn.linear_model import LogisticRegression

from growlearn.drift.detectors.finding import Finding, check_features
from growlearn.drift.detectors.rows_at_most import rows_at_most
from growlearn.drift.sample import Features, Sample

MOST_ROWS = 2000
"""Of either side."""
_SHRINKAGE = (
    0.01  # scikit-learn's C on features of unit variance: few rows have more features than this can fit
)
_ROUNDS = 200  # of L-BFGS; far more than such shrinkage needs

Sides = npt.NDArray[np.bool_]


def classifier(reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
    """Whether logistic regression on features [N_ref, F], [N, F] tells rows it never saw apart by their side.

    Each side is cut into two halves; a classifier fitted on one half of both, its classes weighted evenly,
    names the side of the other. Given what it answers, the number of window rows among those it calls so
    is hypergeometric where both sides are one: p_h = P(X >= x), exact, and p = min(1, 2 min(p_1, p_2)) for
    the two halves together. The statistic is the balanced accuracy A, the mean of both halves'; the effect
    is 2 (A - 0.5), from 0 (no better than chance) to 1, below 0 by chance. Shifts that leave the means of
    features where they were escape it. Of more than 2,000 rows a side a draw of fixed seed is used. Raises
    CannotJudge below 4 rows a side, where features are not finite or those of the reference all alike.
    """
    check_features(reference, query, least=4)
    x, y = (rows_at_most(side.features, MOST_ROWS, seed=0) for side in (reference, query))
    halves = [(x[start::2], y[start::2]) for start in (0, 1)]
    tests = [_answer(_stack(*seen), _stack(*held)) for seen, held in (halves, halves[::-1])]
    accuracy = sum(each for each, _ in tests) / 2
    finding = Finding(
        name="all features",
        statistic=accuracy,
        p_value=min(1.0, 2 * min(p_value for _, p_value in tests)),
        threshold=alpha,
        effect=2 * (accuracy - 0.5),
    )
    return (finding,)


def _stack(x: Features, y: Features) -> tuple[Features, Sides]:
    """Rows of both sides [n, F], and whether each is the window's [n]."""
    return np.concatenate([x, y]).astype(np.float64), np.arange(len(x) + len(y)) >= len(x)


def _answer(seen: tuple[Features, Sides], held: tuple[Features, Sides]) -> tuple[float, float]:
    """Balanced accuracy on the held-out rows, and its one-sided p-value."""
    centre, spread = seen[0].mean(0), seen[0].std(0)
    spread = np.where(spread > 0, spread, 1.0)
    model = LogisticRegression(C=_SHRINKAGE, class_weight="balanced", max_iter=_ROUNDS)
    model.fit((seen[0] - centre) / spread, seen[1])
    called = model.predict((held[0] - centre) / spread).astype(bool)  # [n]
    window, right = held[1], int((called & held[1]).sum())
    rows = len(window)
    p_value = float(hypergeom.sf(right - 1, rows, int(window.sum()), int(called.sum())))
    accuracy = (called[window].mean() + (~called[~window]).mean()) / 2
    return float(accuracy), p_value
