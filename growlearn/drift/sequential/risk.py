"""An e-process on the error rate (risk): evidence that it rose above the reference's.

With k of m labelled reference rows wrong, c is Clopper-Pearson's upper bound on the risk at level
`reference_alpha`, plus `min_effect_size`. A labelled row with loss l in {0, 1} pays 1 + bet * (l - c), which
is 1 or less in expectation, given the past, while the risk is at most c. So products, and averages over bets
and starting windows, are e-processes. A window is an alarm alone where P(as many wrong rows, at risk c) is
below its part of `single_window_alpha`. P(any alarm, ever) <= reference_alpha + sequential_alpha +
single_window_alpha. One-sided: a falling risk is never an alarm. Any subset of rows may be labelled, if its
choice is independent of the losses.

Source: Podkopaev and Ramdas, "Tracking the risk of a deployed model and detecting harmful distribution
shifts" (ICLR 2022).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import beta, binom

from growlearn.domain.drift import EProcess
from growlearn.drift.detectors.result import Inconclusive
from growlearn.drift.sequential.alpha_budget import AlphaBudget
from growlearn.drift.sequential.conformal_martingale import MIN_REFERENCE_ROWS
from growlearn.drift.sequential.e_process import (
    BET_EFFECT_SIZES,
    Floats,
    check_fingerprint,
    check_min_effect_size,
    compute_bet_sizes,
    log_mean_exp,
    update_e_process,
)
from growlearn.drift.sequential.shifted_score import EProcessUpdate, ShiftedScore

Losses = npt.NDArray[np.bool_] | npt.NDArray[np.integer] | npt.NDArray[np.floating]
"""[N]: 1 or True for each wrong prediction, 0 or False for a correct one, NaN without a label."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RiskMonitor:
    """The reference of a monitor: its risk, and the upper bound that is no alarm."""

    budget: AlphaBudget
    reference_risk: float
    upper_bound: float
    bets: Floats  # [L]
    fingerprint: str

    def initial_e_process(self) -> EProcess:
        """No evidence yet."""
        return EProcess(fingerprint=self.fingerprint)


def make_risk_monitor(
    losses: Losses, budget: AlphaBudget, min_effect_size: float = 0.0, reference_id: str | None = None
) -> RiskMonitor:
    """A monitor for 0/1 losses of m reference rows, those without a label left out.

    `min_effect_size` is how much the risk may rise without ever being an alarm. `reference_id` names the
    reference, of which another machine may answer a row otherwise; without one its losses do. Raises
    Inconclusive for fewer than 30 labelled rows, losses other than 0 and 1, or an upper bound that no risk
    can exceed.
    """
    check_min_effect_size(min_effect_size)
    labelled_losses = _labelled_losses(losses, "reference")
    rows, wrong = len(labelled_losses), int(labelled_losses.sum())
    if rows < MIN_REFERENCE_ROWS:
        raise Inconclusive(
            f"the reference has {rows} labelled rows; at least {MIN_REFERENCE_ROWS} are needed"
        )
    reference_bound = (
        1.0 if wrong == rows else float(beta.ppf(1 - budget.reference_alpha, wrong + 1, rows - wrong))
    )
    upper_bound = reference_bound + min_effect_size
    if upper_bound >= 1:
        raise Inconclusive(
            f"the reference's risk may be {reference_bound:.0%}, and {min_effect_size:.0%} more is no alarm"
        )
    bets = compute_bet_sizes(np.array(upper_bound), np.sqrt(np.array(upper_bound * (1 - upper_bound))))  # [L]
    named = (wrong, rows) if reference_id is None else (reference_id,)
    digest = hashlib.sha256(
        repr((budget, *named, min_effect_size, BET_EFFECT_SIZES.tolist())).encode()
    ).hexdigest()
    return RiskMonitor(
        budget=budget, reference_risk=wrong / rows, upper_bound=upper_bound, bets=bets, fingerprint=digest
    )


def update_with_losses(monitor: RiskMonitor, e_process: EProcess, losses: Losses) -> EProcessUpdate:
    """The e-process after a window's losses [N]; the order of its rows does not matter.

    Raises Inconclusive where no row has a label or a loss is other than 0 and 1, GrowLearnError for an
    e-process of another reference.
    """
    check_fingerprint(e_process, monitor.fingerprint)
    labelled_losses = _labelled_losses(losses, "window")
    if len(labelled_losses) == 0:
        raise Inconclusive("no row of the window has a label")
    rows, wrong = len(labelled_losses), int(labelled_losses.sum())
    upper_bound = monitor.upper_bound
    payoffs = wrong * np.log1p(monitor.bets * (1 - upper_bound)) + (rows - wrong) * np.log1p(
        -monitor.bets * upper_bound
    )
    level = monitor.budget.single_window_alpha * monitor.budget.weight(e_process.num_windows + 1)
    alarmed_alone = bool(binom.sf(wrong - 1, rows, upper_bound) < level)
    updated = update_e_process(e_process, payoffs, rows, monitor.budget, alarmed_alone)
    log_evidence = float(log_mean_exp(np.array(updated.log_wealth)))
    increase = wrong / rows - monitor.reference_risk
    direction = "higher" if increase > 0 else "lower"
    shifted_score = ShiftedScore(
        name="risk",
        direction=direction,
        effect=increase,
        log_evidence=log_evidence,
        alarmed_alone=alarmed_alone,
    )
    return EProcessUpdate(
        e_process=updated, log_evidence=log_evidence, budget=monitor.budget, shifted_scores=(shifted_score,)
    )


def _labelled_losses(losses: Losses, side: str) -> Floats:
    values = np.asarray(losses, dtype=np.float64)
    labelled = values[~np.isnan(values)]
    num_invalid = int(((labelled != 0) & (labelled != 1)).sum())
    if num_invalid:
        raise Inconclusive(f"the losses of {num_invalid} of {len(values)} {side} rows are neither 0 nor 1")
    return labelled
