"""The allowed false alarms, and how they are spent window by window.

Two guarantees, both for a stream without drift:

    lifetime: P(any alarm, ever) <= alpha, for one reference.
    per period: E[alarms among the first n windows] <= max_alarms * n / W, W windows a period, any n >= W,
    where each alarm is followed by a restart on a new reference, and others may start between alarms.

Both start a new bet in every window k, with weight w_k (e_process.py), and reserve `reference_alpha` for an
unrepresentative reference.

- Lifetime: w_k = T_k - T_(k+1) with T_k = 1 / (1 + log k), which sum to 1: the mixture is an e-process, and
  Ville's inequality bounds the probability that it exceeds 1 / `sequential_alpha` by `sequential_alpha`.
  Tests of single windows spend `single_window_alpha` by the same weights; the three parts sum to alpha.
- Per period: w_k = 1 / W for all k: the sum is an e-detector of the Shiryaev-Roberts kind. Evidence less the
  weights spent is a supermartingale, which a restart only lowers, so E[alarms among n windows on
  representative references] <= n * sequential_alpha / W by optional stopping. The k-th reference is
  unrepresentative with probability r / (k (k + 1)) at most, and then costs one alarm: r in all, however many
  references there are. So E[N_n] <= n * sequential_alpha / W + r, which is max_alarms at n = W. Single
  windows are not tested, because these weights do not decrease.

Source: Shin, Ramdas, Rinaldo, "E-detectors" (NEJSDS 2023): average run length, and mixtures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from growlearn.domain.errors import GrowLearnError

_DAY = timedelta(days=1)
_REFERENCE_FRACTION = 0.25  # of alpha; the split matters little, only its logarithm enters
_SINGLE_WINDOW_FRACTION = 0.25
_MAX_REFERENCE_ALPHA_PER_PERIOD = 0.05  # of all references of a stream together
_MIN_WINDOWS_FOR_PACE = 5  # of history, to estimate a stream's pace


@dataclass(frozen=True, kw_only=True)
class AlphaBudget:
    """How alpha is split; evidence of 1 / `sequential_alpha` is an alarm.

    `reference_alpha` is the probability that the reference sample misleads; `single_window_alpha` is for
    tests of single windows (single_window_test.py), in parts weight(1), weight(2), ...; `windows_per_period`
    is for a per-period guarantee, None for a lifetime guarantee.
    """

    reference_alpha: float
    sequential_alpha: float
    single_window_alpha: float = 0.0
    windows_per_period: float | None = None

    @property
    def log_threshold(self) -> float:
        """The natural logarithm of the evidence from which on there is an alarm."""
        return -math.log(self.sequential_alpha)

    def weight(self, window_number: int) -> float:
        """The weight of the bet that starts in a window, counted from 1."""
        if self.windows_per_period is not None:
            return 1 / self.windows_per_period
        return 1 / (1 + math.log(window_number)) - 1 / (1 + math.log(window_number + 1))


def make_lifetime_budget(alpha: float) -> AlphaBudget:
    """P(any false alarm, ever) <= alpha, however often the evidence is checked."""
    if not 0 < alpha < 1:
        raise GrowLearnError(f"alpha {alpha} must lie between 0 and 1")
    reference_alpha, single_window_alpha = alpha * _REFERENCE_FRACTION, alpha * _SINGLE_WINDOW_FRACTION
    return AlphaBudget(
        reference_alpha=reference_alpha,
        sequential_alpha=alpha - reference_alpha - single_window_alpha,
        single_window_alpha=single_window_alpha,
    )


def make_per_period_budget(
    max_alarms: float, windows_per_period: float, reference_number: int = 1
) -> AlphaBudget:
    """E[false alarms] <= max_alarms in the first period, and a period on average over any longer time.

    It is that of a stream's k-th reference, k = `reference_number` from 1. If more windows arrive in a
    period, more false alarms are possible, in proportion. Raises GrowLearnError where `max_alarms` is not
    above 0, or is more than one a window.
    """
    if not 0 < max_alarms <= windows_per_period:
        raise GrowLearnError(
            f"at most {max_alarms:g} false alarms in {windows_per_period:g} windows is no valid budget",
            hint="give a number above 0 and no larger than the windows of a period",
        )
    all_references = min(_MAX_REFERENCE_ALPHA_PER_PERIOD, max_alarms * _REFERENCE_FRACTION)
    return AlphaBudget(
        reference_alpha=all_references / (reference_number * (reference_number + 1)),
        sequential_alpha=max_alarms - all_references,
        windows_per_period=windows_per_period,
    )


def estimate_windows_per_day(
    arrival_times: Sequence[datetime], interval: timedelta | None = None
) -> float | None:
    """How many windows a day has, by the stream's own history or by its schedule, whichever gives more.

    `arrival_times` are those of windows, in any order; five or more are needed. None where neither the
    history nor the schedule gives an estimate.
    """
    estimates = [] if interval is None else [_DAY / interval]
    first, last = (min(arrival_times), max(arrival_times)) if arrival_times else (None, None)
    if (
        first is not None
        and last is not None
        and len(arrival_times) >= _MIN_WINDOWS_FOR_PACE
        and last > first
    ):
        estimates.append((len(arrival_times) - 1) * (_DAY / (last - first)))
    return max(estimates, default=None)
