"""The evidence of one stream for one known task, carried from window to window.

For each bet j and window n with payoff e_(n,j) (expectation 1 or less under the null, given all before), and
weights w_n given before any window is seen:

    M_(n,j) = (M_(n-1,j) + w_n) * e_(n,j) = sum over k <= n of w_k * product of e_(k,j) ... e_(n,j)

Every window starts a new bet, so a long stable stretch cannot sink the evidence for good. The evidence is the
average of M_(n,j) over j. Where the weights sum to 1, it and the weight not yet spent are together a
nonnegative supermartingale that starts at 1.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from growlearn.domain.errors import GrowLearnError
from growlearn.drift.evidence.budget import Budget

Floats = npt.NDArray[np.float64]

STEPS: Floats = np.array([0.06, 0.12, 0.25, 0.5, 1.0])
"""Standard deviations above the ceiling that there is a bet for, on every shape."""

_LARGEST_STAKE = 0.9


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known after `windows` windows and `rows` rows, against the reference of that fingerprint.

    log_wealth: log M of each bet, empty before the first window; peak: the largest log evidence so far, 0 at
    the start; alarmed_at: the first window that was an alarm, counted from 1.
    """

    reference: str
    windows: int = 0
    rows: int = 0
    log_wealth: tuple[float, ...] = ()
    peak: float = 0.0
    alarmed_at: int | None = None

    def to_json(self) -> str:
        """As JSON text; numbers are written in full, so that reading gives the same bits."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Evidence:
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "log_wealth": tuple(fields["log_wealth"])})


def carry(
    evidence: Evidence, log_payoffs: Floats, rows: int, budget: Budget, leapt: bool = False
) -> Evidence:
    """The evidence after one more window; log_payoffs [J] are the logarithms of what each bet paid.

    leapt: whether the window is an alarm by itself.
    """
    window = evidence.windows + 1
    before = np.array(evidence.log_wealth) if evidence.log_wealth else np.full(len(log_payoffs), -np.inf)
    wealth = np.logaddexp(before, math.log(budget.weight(window))) + log_payoffs  # [J]
    log_evidence = float(average(wealth))
    alarmed_at = evidence.alarmed_at
    if alarmed_at is None and (leapt or log_evidence >= budget.log_threshold):
        alarmed_at = window
    return Evidence(
        reference=evidence.reference,
        windows=window,
        rows=evidence.rows + rows,
        log_wealth=tuple(wealth.tolist()),
        peak=max(evidence.peak, log_evidence),
        alarmed_at=alarmed_at,
    )


def average(log_values: Floats) -> Floats:
    """The logarithm of the mean of exp(log_values) over the last axis."""
    highest = log_values.max(axis=-1)
    return cast("Floats", highest + np.log(np.exp(log_values - highest[..., None]).mean(axis=-1)))


def check_carried(evidence: Evidence, fingerprint: str) -> None:
    """Raise GrowLearnError where the evidence was gathered against another reference, budget or bets."""
    if evidence.reference != fingerprint:
        raise GrowLearnError(
            "the evidence was gathered against another reference, budget or set of bets",
            cure="start it anew: Evidence(reference=monitor.fingerprint)",
        )


def check_effect(min_effect: float) -> None:
    """Raise GrowLearnError unless a smallest effect makes sense."""
    if not 0 <= min_effect < 1:
        raise GrowLearnError(f"the smallest effect {min_effect} must be 0 or more, and below 1")


def bet_sizes(ceilings: Floats, spreads: Floats) -> Floats:
    """Bets [..., L] for payoffs 1 + bet * (h - ceiling), h >= 0 of that standard deviation.

    A bet of z / spread grows fastest (Kelly) where the mean is z standard deviations above the ceiling. None
    stakes more than nine tenths, so that no payoff is below 0.1.
    """
    sizes = STEPS / np.maximum(spreads, 1e-9)[..., None]
    return cast("Floats", np.minimum(sizes, _LARGEST_STAKE / ceilings[..., None]))
