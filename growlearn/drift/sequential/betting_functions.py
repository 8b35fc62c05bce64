"""Betting functions of a row's rank in the reference, and upper bounds on their mean under no drift.

A row's rank u is the share of reference rows below it, in 100 bins; a betting function h gives each bin a
value in [0, 1]. Rows of the reference's own distribution P have E_P[h(u)] close to h's average over the
reference, but not equal to it, and a bet that ignores the difference leads to a false alarm. With m reference
rows of a continuous score the probabilities of the m + 1 ranks are the gaps between m uniform numbers,
whatever P is: a Dirichlet(1, ..., 1) vector D. So for c > average of h, a Gamma(m + 1) variable G independent
of D, any t > 0,

    P(sum_k h_k D_k >= c) <= E exp(t G (sum_k h_k D_k - c)) = prod_k 1 / (1 - t (h_k - c)),

because G D are m + 1 independent Exponential(1) variables. Solved for c at probability delta, with
s = t / (1 + t c):

    bound = min over 0 < s < 1 of (1 - exp((log delta + sum_k log(1 - s h_k)) / (m + 1))) / s.

It needs no band around the whole distribution (DKW); only h's own standard deviation counts. Ties: a row tied
with r reference rows counts with the average of h over its r + 1 possible ranks. That is the expectation over
random tie-breaking, and the bound above holds for it by Jensen's inequality, because the middle of the
formula, (1 - t (z - c))^-(m + 1), is convex in z.

Source: the problem and the name, Shaer, Bar, Prinster, Romano, "Testing for distribution shifts with
conditional conformal test martingales" (arXiv 2602.13848, 2026), who widen by a DKW band.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from growlearn.drift.sequential.e_process import Floats

NUM_RANK_BINS = 100

_BIN_CENTERS = (np.arange(NUM_RANK_BINS) + 0.5) / NUM_RANK_BINS

BETTING_FUNCTIONS: Mapping[str, Floats] = MappingProxyType(
    {
        "higher": _BIN_CENTERS,
        "lower": 1 - _BIN_CENTERS,
        "wider": np.abs(2 * _BIN_CENTERS - 1),
        "narrower": 1 - np.abs(2 * _BIN_CENTERS - 1),
        "above its upper fifth": (_BIN_CENTERS > 0.8).astype(np.float64),
        "below its lower fifth": (_BIN_CENTERS < 0.2).astype(np.float64),
        "above its upper twentieth": (_BIN_CENTERS > 0.95).astype(np.float64),
        "below its lower twentieth": (_BIN_CENTERS < 0.05).astype(np.float64),
    }
)
"""The ways a score can shift, by name: values [BINS] between 0 and 1."""

BETTING_VALUES: Floats = np.stack(list(BETTING_FUNCTIONS.values()))  # [K, BINS]
TOTAL_VARIATIONS: Floats = np.abs(np.diff(BETTING_VALUES, axis=1)).sum(1)  # [K], total variation
_SLOPES = 1 - np.geomspace(1e-6, 1, 800)[:-1]  # s: each gives a valid bound, so a grid is safe


def values_at_ranks(num_ranks: int) -> Floats:
    """Values [K, ranks] of every betting function at each of m + 1 ranks, 0 to m reference rows below."""
    return BETTING_VALUES[:, np.arange(num_ranks) * NUM_RANK_BINS // num_ranks]


@lru_cache(maxsize=64)
def _cached_null_mean_bounds(rows: int, alpha: float) -> tuple[float, ...]:
    rank_values = values_at_ranks(rows + 1)  # [K, m + 1]
    bin_counts = np.bincount(
        np.arange(rows + 1) * NUM_RANK_BINS // (rows + 1), minlength=NUM_RANK_BINS
    )  # [BINS]
    slopes = np.concatenate([_SLOPES, np.geomspace(1e-4, 0.5, 400)])
    sums = np.log1p(-slopes[:, None, None] * BETTING_VALUES) @ bin_counts  # [slopes, K]
    bounds = -np.expm1((math.log(alpha) + sums) / (rows + 1)) / slopes[:, None]
    return tuple(np.maximum(bounds.min(0), rank_values.mean(1)).tolist())


def null_mean_bounds(rows: int, alpha: float, min_effect_size: float) -> Floats:
    """Bounds [K] on E[h(u)] under every distribution within `min_effect_size` of the reference's.

    Each holds with probability 1 - alpha, over the draw of the m = rows reference rows. Within means
    sup_x |F(x) - F_ref(x)| <= min_effect_size, which changes E[h(u)] by at most min_effect_size times the
    total variation of h.
    """
    return np.array(_cached_null_mean_bounds(rows, alpha)) + min_effect_size * TOTAL_VARIATIONS
