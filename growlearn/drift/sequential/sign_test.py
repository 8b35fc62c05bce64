"""A sequential sign test: evidence that one of two outcomes comes more often than the other.

Under the null hypothesis each pair that favours a side favours the first one with probability at most 1/2,
given the pairs before it. A bet of size b on the first side pays 1 + b / 2 where a pair favours it and
1 - b / 2 where it favours the other: 1 or less in expectation. So the average of products of payoffs over
bets, which depends on the two counts alone, is an e-process, and by Ville's inequality P(evidence ever
reaches 1 / alpha) <= alpha, however often it is looked at, whatever the order of the pairs, and by whichever
process they were counted. It is the risk's e-process (risk.py) at the known upper bound 1/2.

Source: Shafer, "Testing by betting" (JRSS A 2021); McNemar's test is the counterpart for one look at the end.
"""

from __future__ import annotations

import numpy as np

from growlearn.drift.sequential.e_process import compute_bet_sizes, log_mean_exp

_NULL_PROBABILITY = 0.5
_BETS = compute_bet_sizes(np.array(_NULL_PROBABILITY), np.array(0.5))  # [L]; 0.5: the standard deviation


def compute_sign_evidence(first: int, other: int) -> float:
    """The logarithm of the evidence that pairs favour the first side, after those counts of either side.

    >>> compute_sign_evidence(0, 0)
    0.0
    >>> compute_sign_evidence(40, 10) > 6.91 > compute_sign_evidence(25, 25)  # 6.91: log(1 / 0.001)
    True
    """
    payoffs = first * np.log1p(_BETS * (1 - _NULL_PROBABILITY)) + other * np.log1p(-_BETS * _NULL_PROBABILITY)
    return float(log_mean_exp(payoffs))
