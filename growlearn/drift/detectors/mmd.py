"""A kernel two-sample test of the features that a task's head reads: maximum mean discrepancy.

Source: Gretton, Borgwardt, Rasch, Schoelkopf, Smola, "A Kernel Two-Sample Test" (JMLR 2012); p-values that
stop early: Besag and Clifford, "Sequential Monte Carlo p-values" (Biometrika 1991).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from growlearn.drift.detectors.result import DetectorResult, Inconclusive, check_features
from growlearn.drift.detectors.subsample import subsample_features
from growlearn.drift.sample import HeadFeatures, Sample

MAX_MMD_ROWS = 1000
"""Rows used of either side; the kernel has as many rows and columns as both sides together."""
MAX_PERMUTATIONS = 20_000
_MIN_PERMUTATIONS = 200
_EARLY_STOP_COUNT = 10  # this many permutations at least as far apart as the data: stop drawing
_PERMUTATION_BATCH = 200  # permutations computed in one matrix product
_TIE_TOLERANCE = 1e-6  # the kernel's maximum is 1; closer statistics count as equal, against drift
_DUPLICATE_TOLERANCE = 1e-12  # of the squared norms: rows closer than this count as equal

Kernel = npt.NDArray[np.float32]
Statistics = npt.NDArray[np.float64]


def mmd(reference: Sample, query: Sample, alpha: float) -> tuple[DetectorResult, ...]:
    """MMD^2_u of features [N_ref, F] against [N, F], unbiased, with a permutation test.

    MMD^2_u = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_ij k(x_i, y_j) with
    k(a, b) = exp(-|a - b|^2 / 2 s^2), s the median distance among the rows of both sides together: a kernel
    that depends on the sides would not be exact under permutation. With more than 1,000 rows a side a
    subsample of fixed seed is compared. p = (1 + k) / (1 + B) for k of B permutations at least as far apart;
    drawing stops early once k = 10, with p = k / B. The effect is MMD, the distance between the two mean
    embeddings, from 0 to 1.41; it is 0 where MMD^2_u is negative. Raises Inconclusive below 2 rows a side,
    where features are not finite or the reference features are constant, and for an alpha too small to be
    reached with 20,000 permutations.
    """
    check_features(reference, query, min_rows=2)
    if alpha <= 1 / (1 + MAX_PERMUTATIONS):
        raise Inconclusive(
            f"alpha {alpha:.2g} asks for more than {MAX_PERMUTATIONS:,} permutations of mmd",
            hint="raise drift.alpha or name fewer detectors",
        )
    draws = min(max(_MIN_PERMUTATIONS, math.ceil(2 / alpha)), MAX_PERMUTATIONS)
    x, y = (subsample_features(side.features, MAX_MMD_ROWS, seed=0) for side in (reference, query))
    kernel = _gaussian_kernel(np.concatenate([x, y]))
    observed, p_value = _permutation_test(kernel, len(x), draws)
    effect = math.sqrt(max(observed, 0.0))
    result = DetectorResult(
        name="all features", statistic=observed, p_value=p_value, threshold=alpha, effect=effect
    )
    return (result,)


def _gaussian_kernel(rows: HeadFeatures) -> Kernel:
    """[M, F] -> k [M, M] with zeros on the diagonal."""
    centred = rows.astype(np.float64) - rows.mean(0, dtype=np.float64)
    lengths = (centred**2).sum(1)  # [M]
    sums = lengths[:, None] + lengths  # [M, M]
    squared = sums - 2 * centred @ centred.T
    squared[squared < _DUPLICATE_TOLERANCE * sums] = 0.0  # equal rows, up to rounding
    pair_distances = squared[np.triu_indices(len(rows), 1)]
    squared_bandwidth = (
        np.median(pair_distances) or pair_distances[pair_distances > 0].mean()
    )  # the median is 0 where most rows are equal
    kernel = np.exp(-squared / (2 * squared_bandwidth)).astype(np.float32)
    np.fill_diagonal(kernel, 0.0)
    return np.asarray(kernel)


def _permutation_test(kernel: Kernel, num_reference: int, draws: int) -> tuple[float, float]:
    """MMD^2_u of the first rows against the others, and its p-value."""
    rng = np.random.default_rng(0)
    observed = float(_mmd_squared(kernel, np.arange(num_reference)[None])[0])
    num_drawn = num_above = 0
    while num_drawn < draws:
        batch = min(_PERMUTATION_BATCH, draws - num_drawn)
        places = rng.random((batch, len(kernel)), np.float32)
        sides = np.argpartition(places, num_reference - 1, axis=1)[:, :num_reference]  # [batch, first]
        far = np.flatnonzero(_mmd_squared(kernel, sides) >= observed - _TIE_TOLERANCE)
        if num_above + len(far) >= _EARLY_STOP_COUNT:
            num_needed = num_drawn + int(far[_EARLY_STOP_COUNT - num_above - 1]) + 1
            return observed, _EARLY_STOP_COUNT / num_needed
        num_above, num_drawn = num_above + len(far), num_drawn + batch
    return observed, (1 + num_above) / (1 + num_drawn)


def _mmd_squared(kernel: Kernel, sides: npt.NDArray[np.intp]) -> Statistics:
    """MMD^2_u for each of P choices [P, m] of the rows on the first side."""
    m, n = sides.shape[1], len(kernel) - sides.shape[1]
    chosen = np.zeros((len(sides), len(kernel)), np.float32)  # [P, M]
    np.put_along_axis(chosen, sides, 1.0, axis=1)
    with_chosen = (chosen @ kernel).astype(np.float64)  # [P, M]
    xx = (with_chosen * chosen).sum(1)
    touched, total = with_chosen.sum(1), kernel.sum(dtype=np.float64)  # xx + xy, and xx + 2 xy + yy
    xy, yy = touched - xx, total - 2 * touched + xx
    return np.asarray(xx / (m * (m - 1)) + yy / (n * (n - 1)) - 2 * xy / (m * n))
