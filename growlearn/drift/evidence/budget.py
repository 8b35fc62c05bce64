"""How many false alarms are allowed, and how that allowance is spent window by window.

Two promises, both for a stream in which nothing changes:

    for life: P(any alarm, ever) <= alpha, for one reference.
    at a rate: E[alarms among the first n windows] <= at_most * n / W, W windows a period, any n >= W, where
    each alarm is followed by a new start on a new reference.

Both start a new bet in every window k, with weight w_k (carry.py), and leave a chance to an unlucky
reference.

- For life w_k = T_k - T_(k+1) with T_k = 1 / (1 + log k), which sum to 1: the mixture is an e-process, and
  Ville's inequality bounds its crossing of 1 / stream by `stream`. Tests of single windows spend `window` by
  the same weights; reference + stream + window = alpha.
- At a rate w_k = 1 / W, for ever: the sum is an e-detector of the Shiryaev-Roberts kind. Evidence less the
  weights spent is a supermartingale, so by optional stopping a run lasts W / stream windows or more on
  average. Of N_n alarms those on unlucky references are at most their number: E[N_n] <= n * stream / W +
  reference * (1 + E[N_n]), which `at_a_rate` solves for `stream` at n = W. Single windows are not tested:
  weights do not fade here.

Source: Shin, Ramdas, Rinaldo, "E-detectors" (NEJSDS 2023): average run length, and mixtures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from growlearn.domain.errors import GrowLearnError

_REFERENCE_SHARE = 0.25  # of alpha; shares matter little, for they enter only through their logarithm
_WINDOW_SHARE = 0.25
_REFERENCE_AT_A_RATE = 0.05
_ENOUGH_WINDOWS = 5  # of history, to tell a stream's pace from


@dataclass(frozen=True, kw_only=True)
class Budget:
    """`reference`: the chance that the reference sample misleads; evidence of 1 / `stream` is an alarm.

    window: what tests of single windows may spend (leaps.py), in parts weight(1), weight(2), ...;
    windows: how many make a period, for a promise at a rate; None for a promise for life.
    """

    reference: float
    stream: float
    window: float = 0.0
    windows: float | None = None

    @property
    def log_threshold(self) -> float:
        """The natural logarithm of the evidence that is an alarm."""
        return -math.log(self.stream)

    def weight(self, window: int) -> float:
        """The weight of the bet that starts in a window, counted from 1."""
        if self.windows is not None:
            return 1 / self.windows
        return 1 / (1 + math.log(window)) - 1 / (1 + math.log(window + 1))


def for_life(alpha: float) -> Budget:
    """P(any false alarm, ever) <= alpha, however often the evidence is read."""
    if not 0 < alpha < 1:
        raise GrowLearnError(f"alpha {alpha} must lie between 0 and 1")
    reference, window = alpha * _REFERENCE_SHARE, alpha * _WINDOW_SHARE
    return Budget(reference=reference, stream=alpha - reference - window, window=window)


def at_a_rate(at_most: float, windows: float) -> Budget:
    """E[false alarms] <= at_most in the first period, and at_most a period on average over any longer time.

    windows: how many make a period. Where more come, more false alarms may, in proportion. Raises
    GrowLearnError where at_most is not above 0, or is more than one a window.
    """
    if not 0 < at_most <= windows:
        raise GrowLearnError(
            f"at most {at_most:g} false growths in {windows:g} windows asks for nothing",
            cure="give a number above 0 and no larger than the windows of a period",
        )
    reference = min(_REFERENCE_AT_A_RATE, at_most / 4)
    return Budget(reference=reference, stream=at_most * (1 - reference) - reference, windows=windows)


def windows_in(period: timedelta, times: Sequence[datetime], every: timedelta | None = None) -> float:
    """How many windows a period has, by the stream's own history or by its schedule, whichever gives more.

    times: when windows came, in any order; five or more are needed. Raises GrowLearnError where neither
    tells.
    """
    paces = [] if every is None else [period / every]
    first, last = (min(times), max(times)) if times else (None, None)
    if first is not None and last is not None and len(times) >= _ENOUGH_WINDOWS and last > first:
        paces.append((len(times) - 1) * (period / (last - first)))
    if not paces:
        raise GrowLearnError(
            f"{len(times)} windows do not tell how many come in {period}",
            cure="give the stream a schedule, or judge by alpha until five windows have come",
        )
    return max(1.0, *paces)
