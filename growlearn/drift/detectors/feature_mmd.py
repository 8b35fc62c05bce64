"""A kernel two-sample test of the features that a task's head reads: maximum mean discrepancy.

Source: Gretton, Borgwardt, Rasch, Schoelkopf, Smola, "A Kernel Two-Sample Test" (JMLR 2012); p-values that
stop early: Besag and Clifford, "Sequential Monte Carlo p-values" (Biometrika 1991).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import pdist, squareform

from growlearn.drift.detectors.finding import CannotJudge, Finding, check_features
from growlearn.drift.detectors.rows_at_most import rows_at_most
from growlearn.drift.sample import Features, Sample

MOST_ROWS = 1000
"""Of either side; the kernel has as many rows and columns as both sides together."""
MOST_PERMUTATIONS = 20_000
_LEAST_PERMUTATIONS = 200
_CALM = 10  # so many permutations as far apart as the data: p is plain, and no more are drawn
_BATCH = 200  # permutations worked out by one matrix product
_TIED = 1e-6  # of the kernel, whose largest value is 1: closer statistics count as equal, against drift

Kernel = npt.NDArray[np.float32]
Statistics = npt.NDArray[np.float64]


def feature_mmd(reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
    """MMD^2_u of features [N_ref, F] against [N, F], unbiased, with a permutation test.

    MMD^2_u = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_ij k(x_i, y_j) with
    k(a, b) = exp(-|a - b|^2 / 2 s^2), s the median distance among the rows of both sides together: a kernel
    that knows the sides would not be exact under permutation. Of more than 1,000 rows a side a draw of
    fixed seed is compared. p = (1 + k) / (1 + B) for k of B permutations at least as far apart; the draws
    end early once k = 10, with p = k / B. The effect is MMD, the distance between the two mean embeddings,
    from 0 to 1.41; it is 0 where MMD^2_u is negative. Raises CannotJudge below 2 rows a side, where
    features are not finite or those of the reference all alike, and for an alpha too small to be reached
    with 20,000 permutations.
    """
    check_features(reference, query, least=2)
    if alpha <= 1 / (1 + MOST_PERMUTATIONS):
        raise CannotJudge(
            f"alpha {alpha:.2g} asks for more than {MOST_PERMUTATIONS:,} permutations of feature-mmd",
            cure="raise drift.alpha or name fewer detectors",
        )
    draws = min(max(_LEAST_PERMUTATIONS, math.ceil(2 / alpha)), MOST_PERMUTATIONS)
    x, y = (rows_at_most(side.features, MOST_ROWS, seed=0) for side in (reference, query))
    kernel = _kernel(np.concatenate([x, y]))
    observed, p_value = _permutation_test(kernel, len(x), draws)
    effect = math.sqrt(max(observed, 0.0))
    finding = Finding(
        name="all features", statistic=observed, p_value=p_value, threshold=alpha, effect=effect
    )
    return (finding,)


def _kernel(rows: Features) -> Kernel:
    """[M, F] -> k [M, M] with zeros on the diagonal."""
    squared = pdist(rows.astype(np.float64), "sqeuclidean")
    width = np.median(squared) or squared[squared > 0].mean()  # most rows alike: the median is 0
    kernel = squareform(np.exp(-squared / (2 * width))).astype(np.float32)
    return np.asarray(kernel)


def _permutation_test(kernel: Kernel, first: int, draws: int) -> tuple[float, float]:
    """MMD^2_u of the first rows against the others, and its p-value."""
    rng = np.random.default_rng(0)
    observed = float(_mmd2(kernel, np.arange(first)[None])[0])
    drawn = above = 0
    while drawn < draws:
        batch = min(_BATCH, draws - drawn)
        places = rng.random((batch, len(kernel)), np.float32)
        sides = np.argpartition(places, first - 1, axis=1)[:, :first]  # [batch, first]
        far = np.flatnonzero(_mmd2(kernel, sides) >= observed - _TIED)
        if above + len(far) >= _CALM:
            at = drawn + int(far[_CALM - above - 1]) + 1
            return observed, _CALM / at
        above, drawn = above + len(far), drawn + batch
    return observed, (1 + above) / (1 + drawn)


def _mmd2(kernel: Kernel, sides: npt.NDArray[np.intp]) -> Statistics:
    """MMD^2_u for each of P choices [P, m] of the rows on the first side."""
    m, n = sides.shape[1], len(kernel) - sides.shape[1]
    chosen = np.zeros((len(sides), len(kernel)), np.float32)  # [P, M]
    np.put_along_axis(chosen, sides, 1.0, axis=1)
    with_chosen = (chosen @ kernel).astype(np.float64)  # [P, M]
    xx = (with_chosen * chosen).sum(1)
    touched, total = with_chosen.sum(1), kernel.sum(dtype=np.float64)  # xx + xy, and xx + 2 xy + yy
    xy, yy = touched - xx, total - 2 * touched + xx
    return np.asarray(xx / (m * (m - 1)) + yy / (n * (n - 1)) - 2 * xy / (m * n))
