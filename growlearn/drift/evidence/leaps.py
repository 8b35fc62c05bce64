"""One window by itself, an alarm whatever came before it.

Bets pay for being many and for starting anew; a test of the window alone does not. With share `window` of
alpha and the weights w_k of budget.py, window k is tested at level window * w_k: by the union bound P(any
false leap, ever) <= window, with no assumption on how windows hang together.

For scores the Kolmogorov-Smirnov distance of the window's n independent rows from the m reference rows. Under
every law within `min_effect` of the reference's, sup_x (F_n - F_m)(x) <= min_effect + A + B, with A and B the
one-sided deviations of the two samples from their own laws, independent, and P(A > a) <= exp(-2 n a^2), for B
likewise. So A + B is no larger than a sum of two Rayleigh variables of squared scales 1/4n and 1/4m, whose
tail has a closed form.

Source: Massart (Annals of Probability 1990) and, for all levels, Reeve, "A short proof of the
Dvoretzky-Kiefer-Wolfowitz-Massart inequality" (2024).
"""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import ndtr


def least_distance(rows: int, reference_rows: int, chance: float) -> float:
    """The distance that samples of one law exceed with that chance at most, on one side; above 1: never."""
    longest = 2.0
    if _tail(longest, rows, reference_rows) >= chance:
        return longest
    return float(brentq(lambda distance: _tail(distance, rows, reference_rows) - chance, 0, longest))


def _tail(distance: float, rows: int, reference_rows: int) -> float:
    """P(R1 + R2 > distance) for independent Rayleigh variables of scales sqrt(1/4n) and sqrt(1/4m)."""
    one, two = 1 / (4 * rows), 1 / (4 * reference_rows)  # squared scales
    both, square = one + two, distance**2
    alone = (one * math.exp(-square / (2 * one)) + two * math.exp(-square / (2 * two))) / both
    ends = ndtr(distance * math.sqrt(one / two / both)) + ndtr(distance * math.sqrt(two / one / both)) - 1
    joint = distance * math.sqrt(2 * math.pi * one * two) / both**1.5 * math.exp(-square / (2 * both))
    return float(alone + joint * ends)
