"""What is bet on: functions of a row's place in the reference, and how large their mean can be by chance.

A row's place u is the share of reference rows below it, cut into 100 bins; a shape h gives each bin a value
in [0, 1]. Rows of the reference's own distribution P have E_P[h(u)] close to h's average over the reference,
but not equal to it, and a bet that forgets the difference ends in an alarm. With m reference rows of a
continuous score the chances of the m + 1 places are the gaps between m uniform numbers, whatever P is: a
Dirichlet(1, ..., 1) vector D. So for c > average of h, a Gamma(m + 1) variable G independent of D, any t > 0,

    P(sum_k h_k D_k >= c) <= E exp(t G (sum_k h_k D_k - c)) = prod_k 1 / (1 - t (h_k - c)),

for G D are m + 1 independent Exponential(1) variables. Solved for c at chance delta, with s = t / (1 + t c):

    ceiling = min over 0 < s < 1 of (1 - exp((log delta + sum_k log(1 - s h_k)) / (m + 1))) / s.

It needs no band around the whole distribution (DKW), only h's own standard deviation counts. Ties: a row tied
with r reference rows counts with the average of h over its r + 1 possible places. That is the expectation
over random tie-breaking, and the bound above holds for it by Jensen's inequality, for the middle of the
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

from growlearn.drift.evidence.carry import Floats

BINS = 100

_PLACES = (np.arange(BINS) + 0.5) / BINS

SHAPES: Mapping[str, Floats] = MappingProxyType(
    {
        "higher": _PLACES,
        "lower": 1 - _PLACES,
        "wider": np.abs(2 * _PLACES - 1),
        "narrower": 1 - np.abs(2 * _PLACES - 1),
        "above its upper fifth": (_PLACES > 0.8).astype(np.float64),
        "below its lower fifth": (_PLACES < 0.2).astype(np.float64),
        "above its upper twentieth": (_PLACES > 0.95).astype(np.float64),
        "below its lower twentieth": (_PLACES < 0.05).astype(np.float64),
    }
)
"""How a score can have moved, by name: values [BINS] between 0 and 1."""

VALUES: Floats = np.stack(list(SHAPES.values()))  # [K, BINS]
VARIATION: Floats = np.abs(np.diff(VALUES, axis=1)).sum(1)  # [K], total variation
_SLOPES = 1 - np.geomspace(1e-6, 1, 800)[:-1]  # s: any of them gives a valid ceiling, so a grid is no gamble


def bins_of(places: int) -> Floats:
    """Values [K, places] of every shape at each of m + 1 places, 0 to m reference rows below."""
    return VALUES[:, np.arange(places) * BINS // places]


@lru_cache(maxsize=64)
def _ceilings(rows: int, chance: float) -> tuple[float, ...]:
    at = bins_of(rows + 1)  # [K, m + 1]
    share = np.bincount(np.arange(rows + 1) * BINS // (rows + 1), minlength=BINS)  # [BINS]
    slopes = np.concatenate([_SLOPES, np.geomspace(1e-4, 0.5, 400)])
    sums = np.log1p(-slopes[:, None, None] * VALUES) @ share  # [slopes, K]
    found = -np.expm1((math.log(chance) + sums) / (rows + 1)) / slopes[:, None]
    return tuple(np.maximum(found.min(0), at.mean(1)).tolist())


def ceilings(rows: int, chance: float, min_effect: float) -> Floats:
    """Bounds [K] on E[h(u)] under every law within `min_effect` of the reference's.

    Each holds but for `chance`, over the draw of the m = rows reference rows. Within: sup_x |F(x) - F_ref(x)|
    <= min_effect, which moves E[h(u)] by min_effect times the total variation of h at most.
    """
    return np.array(_ceilings(rows, chance)) + min_effect * VARIATION
