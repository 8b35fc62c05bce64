"""The e-process of one stream and one known task, updated window by window.

For each bet j and window n with payoff e_(n,j) (expectation 1 or less under the null hypothesis, given the
past), and weights w_n fixed before any window is seen:

    M_(n,j) = (M_(n-1,j) + w_n) * e_(n,j) = sum over k <= n of w_k * product of e_(k,j) ... e_(n,j)

Every window starts a new bet, so a long stable stretch cannot reduce the evidence for ever. The evidence is
the average of M_(n,j) over j. Where the weights sum to 1, the evidence plus the weight not yet spent is a
nonnegative supermartingale that starts at 1.
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import numpy.typing as npt

from growlearn.domain.drift import EProcess
from growlearn.domain.errors import GrowLearnError
from growlearn.drift.sequential.alpha_budget import AlphaBudget

Floats = npt.NDArray[np.float64]

BET_EFFECT_SIZES: Floats = np.array([0.06, 0.12, 0.25, 0.5, 1.0])
"""Standard deviations above the upper bound for which every betting function has a bet."""

_MAX_STAKE = 0.9


def update_e_process(
    e_process: EProcess, log_payoffs: Floats, rows: int, budget: AlphaBudget, alarmed_alone: bool = False
) -> EProcess:
    """The e-process after one more window; `log_payoffs` [J] are the logarithms of each bet's payoff.

    `alarmed_alone` says whether the window alone is an alarm.
    """
    window_number = e_process.num_windows + 1
    previous_log_wealth = (
        np.array(e_process.log_wealth) if e_process.log_wealth else np.full(len(log_payoffs), -np.inf)
    )
    new_log_wealth = (
        np.logaddexp(previous_log_wealth, math.log(budget.weight(window_number))) + log_payoffs
    )  # [J]
    log_evidence = float(log_mean_exp(new_log_wealth))
    first_alarm_window = e_process.first_alarm_window
    if first_alarm_window is None and (alarmed_alone or log_evidence >= budget.log_threshold):
        first_alarm_window = window_number
    return EProcess(
        fingerprint=e_process.fingerprint,
        num_windows=window_number,
        num_rows=e_process.num_rows + rows,
        log_wealth=tuple(new_log_wealth.tolist()),
        max_log_evidence=max(e_process.max_log_evidence, log_evidence),
        first_alarm_window=first_alarm_window,
    )


def log_mean_exp(log_values: Floats) -> Floats:
    """The logarithm of the mean of exp(log_values) over the last axis."""
    highest = log_values.max(axis=-1)
    return cast("Floats", highest + np.log(np.exp(log_values - highest[..., None]).mean(axis=-1)))


def check_fingerprint(e_process: EProcess, fingerprint: str) -> None:
    """Raise GrowLearnError where the e-process has another reference, budget or set of bets."""
    if e_process.fingerprint != fingerprint:
        raise GrowLearnError(
            "the e-process belongs to another reference, budget or set of bets",
            hint="start it anew: monitor.initial_e_process()",
        )


def check_min_effect_size(min_effect_size: float) -> None:
    """Raise GrowLearnError for an invalid minimum effect size."""
    if not 0 <= min_effect_size < 1:
        raise GrowLearnError(f"the minimum effect size {min_effect_size} must be 0 or more, and below 1")


def compute_bet_sizes(upper_bounds: Floats, spreads: Floats) -> Floats:
    """Bets [..., L] for payoffs 1 + bet * (h - upper bound), with h >= 0 of that standard deviation.

    A bet of z / spread grows fastest (Kelly) where the mean is z standard deviations above the bound. No bet
    stakes more than nine tenths, so that no payoff is below 0.1.
    """
    sizes = BET_EFFECT_SIZES / np.maximum(spreads, 1e-9)[..., None]
    return cast("Floats", np.minimum(sizes, _MAX_STAKE / upper_bounds[..., None]))
