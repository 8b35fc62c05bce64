"""Paired comparison of cheaper and dearer ways to answer the same hold-out rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, norm

from growlearn.domain.worth import Comparison, Contender, Means, Worth

Right = npt.NDArray[np.bool_]
"""Whether each hold-out row is answered right, bool [N]."""


def weigh(
    contenders: Sequence[Contender], right: Mapping[Means, Right], alpha: float, min_effect: float = 0.0
) -> Worth:
    """Compare contenders of different cost; the winner is the cheapest that no dearer one beats.

    Where doing nothing is beaten, it is the cheapest of those that beat it themselves, if any does.

    Of those that cost the same, the one with the lowest validation loss stands for all. Each is tested
    against all dearer ones at alpha divided by their number (Bonferroni), so that one which is as good as
    they are is called beaten with a chance of at most alpha.
    """
    ordered = sorted(contenders, key=lambda each: each.cost)
    finalists = [each for each in ordered if each is _best(each.cost, ordered)]
    comparisons: list[Comparison] = []
    for at, cheap in enumerate(finalists):
        dearer = finalists[at + 1 :]
        comparisons += [
            compare(
                (cheap.means, dear.means),
                right[cheap.means],
                right[dear.means],
                alpha / len(dearer),
                min_effect,
            )
            for dear in dearer
        ]
    winner = _winner([each.means for each in finalists], comparisons)
    return Worth(
        contenders=tuple(ordered),
        comparisons=tuple(comparisons),
        alpha=alpha,
        winner=winner,
        min_effect=min_effect,
    )


def _winner(finalists: Sequence[Means], comparisons: Sequence[Comparison]) -> Means:
    beaten = [each.cheaper for each in comparisons if each.beaten]
    left = [means for means in finalists if means not in beaten]
    if Means.NOTHING not in beaten:
        return left[0]
    better = [each.dearer for each in comparisons if each.beaten and each.cheaper is Means.NOTHING]
    return next((means for means in left if means in better), left[0])


def _best(cost: tuple[int, int], contenders: Sequence[Contender]) -> Contender:
    """Of those that cost this, the one that validation rows choose; the first of equals."""
    equals = [each for each in contenders if each.cost == cost]
    return min(equals, key=lambda each: math.inf if each.validation_loss is None else each.validation_loss)


def compare(
    means: tuple[Means, Means], cheap: Right, dear: Right, alpha: float, min_effect: float = 0.0
) -> Comparison:
    """Whether the dearer is right on more of the same rows: McNemar's test in its exact, one-sided form.

    means are the cheaper's and the dearer's. A difference that is sure, but below min_effect, is not worth
    its price.

    Of the n rows that only one has right, the dearer would have each with probability 1/2 were it no better:
    p = P(Binomial(n, 1/2) >= gained) (McNemar 1947). The interval at 1 - alpha is the adjusted Wald one of
    Bonett and Price (2012) for a paired difference.

    >>> import numpy as np
    >>> few, many = np.arange(100) < 80, np.arange(100) < 90
    >>> said = compare((Means.HEAD, Means.BRANCH), few, many, 0.05)
    >>> said.gained, said.lost, said.difference, round(said.p_value, 5), said.beaten
    (10, 0, 0.1, 0.00098, True)
    """
    rows = len(cheap)
    gained, lost = int((dear & ~cheap).sum()), int((cheap & ~dear).sum())
    p_value = p_no_better(gained, lost)
    low, high = _interval(gained, lost, rows, alpha)
    return Comparison(
        cheaper=means[0],
        dearer=means[1],
        gained=gained,
        lost=lost,
        rows=rows,
        difference=(gained - lost) / rows,
        low=low,
        high=high,
        p_value=p_value,
        beaten=p_value < alpha and (gained - lost) / rows >= min_effect,
    )


def p_no_better(gained: int, lost: int) -> float:
    """Chance of so many of n = gained + lost rows or more, were either of two as likely to have each right.

    >>> p_no_better(5, 0), p_no_better(0, 0)
    (0.03125, 1.0)
    """
    return float(binom.sf(gained - 1, gained + lost, 0.5)) if gained + lost else 1.0


def _interval(gained: int, lost: int, rows: int, alpha: float) -> tuple[float, float]:
    up, down = (gained + 1) / (rows + 2), (lost + 1) / (rows + 2)
    middle = up - down
    reach = float(norm.isf(alpha / 2)) * math.sqrt((up + down - middle**2) / (rows + 2))
    return max(-1.0, middle - reach), min(1.0, middle + reach)
