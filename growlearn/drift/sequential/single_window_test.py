"""A test of one window alone, independent of earlier windows.

Bets lose power by their number and by restarts; a test of the window alone does not. With
`single_window_alpha` of alpha and the weights w_k of alpha_budget.py, window k is tested at level
single_window_alpha * w_k: by the union bound P(any false alarm, ever) <= single_window_alpha, with no
assumption on the dependence between windows.

For scores the statistic is the Kolmogorov-Smirnov distance of the window's n independent rows from the m
reference rows. Under every distribution within `min_effect_size` of the reference's, sup_x (F_n - F_m)(x) <=
min_effect_size + A + B, with A and B the independent one-sided deviations of the two samples from their own
distributions, and P(A > a) <= exp(-2 n a^2), for B likewise. So A + B is stochastically no larger than a sum
of two Rayleigh variables of squared scales 1/4n and 1/4m, whose tail has a closed form.

Source: Massart (Annals of Probability 1990) and, for all levels, Reeve, "A short proof of the
Dvoretzky-Kiefer-Wolfowitz-Massart inequality" (2024).
"""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import ndtr


def critical_ks_distance(rows: int, reference_rows: int, alpha: float) -> float:
    """The one-sided distance that two samples of one distribution exceed with probability at most alpha."""
    max_distance = 2.0
    if _rayleigh_sum_tail(max_distance, rows, reference_rows) >= alpha:
        return max_distance
    return float(
        brentq(lambda distance: _rayleigh_sum_tail(distance, rows, reference_rows) - alpha, 0, max_distance)
    )


def _rayleigh_sum_tail(distance: float, rows: int, reference_rows: int) -> float:
    """P(R1 + R2 > distance) for independent Rayleigh variables of scales sqrt(1/4n) and sqrt(1/4m)."""
    window_scale, reference_scale = 1 / (4 * rows), 1 / (4 * reference_rows)  # squared scales
    total_scale, square = window_scale + reference_scale, distance**2
    separate_terms = (
        window_scale * math.exp(-square / (2 * window_scale))
        + reference_scale * math.exp(-square / (2 * reference_scale))
    ) / total_scale
    normal_terms = (
        ndtr(distance * math.sqrt(window_scale / reference_scale / total_scale))
        + ndtr(distance * math.sqrt(reference_scale / window_scale / total_scale))
        - 1
    )
    joint_factor = (
        distance
        * math.sqrt(2 * math.pi * window_scale * reference_scale)
        / total_scale**1.5
        * math.exp(-square / (2 * total_scale))
    )
    return float(separate_terms + joint_factor * normal_terms)
