"""An e-process of the share of wrong answers: evidence that the risk rose above the reference's.

With k of m labelled reference rows wrong, c is Clopper-Pearson's upper bound on the risk at chance
`budget.reference`, plus `min_effect`. A labelled row with loss l in {0, 1} pays 1 + bet * (l - c), which is
1 or less on average, given everything before, while the risk is at most c. So products, and averages over
bets and starting windows, are e-processes. A window is an alarm by itself where P(as many wrong rows, at
risk c) is below its part of `budget.window`. P(any alarm, ever) <= budget.reference + budget.stream +
budget.window. One-sided: a falling risk is never an alarm. Any rows may be labelled, if the choice ignores
their losses.

Source: Podkopaev and Ramdas, "Tracking the risk of a deployed model and detecting harmful distribution
shifts" (ICLR 2022).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import beta, binom

from growlearn.drift.detectors.finding import CannotJudge
from growlearn.drift.evidence.budget import Budget
from growlearn.drift.evidence.carry import (
    STEPS,
    Evidence,
    Floats,
    average,
    bet_sizes,
    carry,
    check_carried,
    check_effect,
)
from growlearn.drift.evidence.reading import Moved, Reading
from growlearn.drift.evidence.scores import MIN_REFERENCE_ROWS

Losses = npt.NDArray[np.bool_] | npt.NDArray[np.integer] | npt.NDArray[np.floating]
"""[N]: 1 or True for each wrongly answered row, 0 or False for a right one, NaN where it has no label yet."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RiskMonitor:
    """What losses are read against: the reference's risk, and the largest it may be without an alarm."""

    budget: Budget
    risk: float
    ceiling: float
    bets: Floats  # [L]
    fingerprint: str

    def start(self) -> Evidence:
        """No evidence yet."""
        return Evidence(reference=self.fingerprint)


def monitor_risk(losses: Losses, budget: Budget, min_effect: float = 0.0) -> RiskMonitor:
    """A monitor for 0/1 losses of m reference rows, those without a label left out.

    min_effect: how much the risk may rise, as a share of rows, without ever being an alarm. Raises
    CannotJudge for fewer than 30 labelled rows, losses other than 0 and 1, or a ceiling that no risk can
    pass.
    """
    check_effect(min_effect)
    known = _labelled(losses, "reference")
    rows, wrong = len(known), int(known.sum())
    if rows < MIN_REFERENCE_ROWS:
        raise CannotJudge(f"the reference has {rows} labelled rows; at least {MIN_REFERENCE_ROWS} are needed")
    bound = 1.0 if wrong == rows else float(beta.ppf(1 - budget.reference, wrong + 1, rows - wrong))
    ceiling = bound + min_effect
    if ceiling >= 1:
        raise CannotJudge(f"the reference's risk may be {bound:.0%}, and {min_effect:.0%} more is no alarm")
    bets = bet_sizes(np.array(ceiling), np.sqrt(np.array(ceiling * (1 - ceiling))))  # [L]
    digest = hashlib.sha256(repr((budget, wrong, rows, min_effect, STEPS.tolist())).encode()).hexdigest()
    return RiskMonitor(budget=budget, risk=wrong / rows, ceiling=ceiling, bets=bets, fingerprint=digest)


def read_risk(monitor: RiskMonitor, evidence: Evidence, losses: Losses) -> Reading:
    """The evidence after a window's losses [N]; the order of its rows does not matter.

    Raises CannotJudge where no row has a label or a loss is other than 0 and 1, GrowLearnError for evidence
    gathered against something else.
    """
    check_carried(evidence, monitor.fingerprint)
    known = _labelled(losses, "window")
    if len(known) == 0:
        raise CannotJudge("no row of the window has a label")
    rows, wrong = len(known), int(known.sum())
    ceiling = monitor.ceiling
    payoffs = wrong * np.log1p(monitor.bets * (1 - ceiling)) + (rows - wrong) * np.log1p(
        -monitor.bets * ceiling
    )
    level = monitor.budget.window * monitor.budget.weight(evidence.windows + 1)
    leapt = bool(binom.sf(wrong - 1, rows, ceiling) < level)
    after = carry(evidence, payoffs, rows, monitor.budget, leapt)
    log_evidence = float(average(np.array(after.log_wealth)))
    rise = wrong / rows - monitor.risk
    how = "higher" if rise > 0 else "lower"
    moved = Moved(name="risk", how=how, effect=rise, log_evidence=log_evidence, leapt=leapt)
    return Reading(evidence=after, log_evidence=log_evidence, budget=monitor.budget, moved=(moved,))


def _labelled(losses: Losses, side: str) -> Floats:
    values = np.asarray(losses, dtype=np.float64)
    known = values[~np.isnan(values)]
    strange = int(((known != 0) & (known != 1)).sum())
    if strange:
        raise CannotJudge(f"the losses of {strange} of {len(values)} {side} rows are neither 0 nor 1")
    return known
