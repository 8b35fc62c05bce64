"""A conformal test martingale of the model's scores against a fixed reference sample.

For each of S scores and K shapes h, with c the ceiling of E[h(u)] over the reference's sampling error and
`min_effect` (shapes.py), a row with place u pays 1 + bet * (h(u) - c). But for the chance `budget.reference`,
all S times K ceilings hold at once (Bonferroni). Then each payoff has expectation 1 or less given everything
before, for any law within min_effect of the reference's, whatever the scores' dependence on each other; so
products, and averages over bets, scores and starting windows, are e-processes, and Ville's inequality gives

    P(evidence of 1 / budget.stream or more, ever) <= budget.reference + budget.stream.

A window that is an alarm by itself (leaps.py) adds `budget.window`.

The reference must be held-out rows that the model never trained on; windows are drawn independently of it.

Sources: Vovk et al., "Testing exchangeability on-line" (ICML 2003); Shaer et al. (arXiv 2602.13848, 2026).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

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
from growlearn.drift.evidence.leaps import least_distance
from growlearn.drift.evidence.reading import Moved, Reading
from growlearn.drift.evidence.shapes import BINS, SHAPES, VALUES, bins_of, ceilings

Ints = npt.NDArray[np.intp]

MIN_REFERENCE_ROWS = 30


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoreMonitor:
    """What windows are read against: `ordered` [S, m] is the reference, each score ascending."""

    names: tuple[str, ...]
    budget: Budget
    min_effect: float
    ordered: Floats
    ceilings: Floats  # [K]
    bets: Floats  # [K, L]
    fingerprint: str

    def start(self) -> Evidence:
        """No evidence yet."""
        return Evidence(reference=self.fingerprint)


def monitor_scores(
    reference: npt.NDArray[np.floating], names: Sequence[str], budget: Budget, min_effect: float = 0.0
) -> ScoreMonitor:
    """A monitor for S scores of m reference rows, reference [m, S].

    min_effect: the largest sup_x |F(x) - F_ref(x)| of any score that is never an alarm (the KS distance).
    Raises CannotJudge for fewer than 30 rows, scores that are not finite, or all of them constant.
    """
    check_effect(min_effect)
    rows, scores = reference.shape
    if rows < MIN_REFERENCE_ROWS:
        raise CannotJudge(f"the reference has {rows} rows; at least {MIN_REFERENCE_ROWS} are needed")
    _check_finite(reference, "reference")
    if (reference == reference[0]).all():
        raise CannotJudge(f"the model gives all {rows} reference rows the same scores")
    ordered = np.sort(reference.T.astype(np.float64), axis=1)  # [S, m]
    highest = ceilings(rows, budget.reference / (scores * len(SHAPES)), min_effect)  # [K]
    bets = bet_sizes(highest, VALUES.std(axis=1))  # [K, L]
    digest = hashlib.sha256(repr((tuple(names), budget, min_effect)).encode())
    for part in (ordered, VALUES, STEPS):  # not the bets: their last bits may differ between machines
        digest.update(part.tobytes())
    return ScoreMonitor(
        names=tuple(names),
        budget=budget,
        min_effect=min_effect,
        ordered=ordered,
        ceilings=highest,
        bets=bets,
        fingerprint=digest.hexdigest(),
    )


def read_scores(monitor: ScoreMonitor, evidence: Evidence, scores: npt.NDArray[np.floating]) -> Reading:
    """The evidence after a window of N rows, scores [N, S]; the order of its rows does not matter.

    Raises CannotJudge for a window that is empty or has scores that are not finite, GrowLearnError for
    evidence gathered against something else.
    """
    check_carried(evidence, monitor.fingerprint)
    if len(scores) == 0:
        raise CannotJudge("the window has no rows")
    _check_finite(scores, "window")
    window = np.sort(scores.T.astype(np.float64), axis=1)  # [S, N]
    below = np.stack([np.searchsorted(*pair, "left") for pair in zip(monitor.ordered, window, strict=True)])
    upto = np.stack([np.searchsorted(*pair, "right") for pair in zip(monitor.ordered, window, strict=True)])
    payoffs = _log_payoffs(monitor, below, upto)  # [S, K, L]
    effects = _distances(below, upto, monitor.ordered.shape[1])  # [S]
    leapt = effects > _least_effect(monitor, evidence.windows + 1, len(scores))
    after = carry(evidence, payoffs.ravel(), len(scores), monitor.budget, bool(leapt.any()))
    wealth = np.reshape(after.log_wealth, payoffs.shape)  # [S, K, L]
    by_shape = average(wealth)  # [S, K]
    columns = by_shape.argmax(axis=1), effects.tolist(), average(by_shape).tolist(), leapt.tolist()
    moved = [
        Moved(name=name, how=list(SHAPES)[at], effect=effect, log_evidence=log_evidence, leapt=leap)
        for name, at, effect, log_evidence, leap in zip(monitor.names, *columns, strict=True)
    ]
    return Reading(
        evidence=after,
        log_evidence=float(average(by_shape.ravel())),
        budget=monitor.budget,
        moved=tuple(sorted(moved, key=lambda score: (not score.leapt, -score.log_evidence))),
    )


def _least_effect(monitor: ScoreMonitor, window: int, rows: int) -> float:
    """The effect above which a window of that number, counted from 1, is an alarm by itself."""
    if monitor.budget.window == 0:
        return 2.0  # which no distance exceeds
    scores, reference_rows = monitor.ordered.shape
    chance = monitor.budget.window * monitor.budget.weight(window) / (2 * scores)  # either side of each score
    return monitor.min_effect + least_distance(rows, reference_rows, chance)


def _log_payoffs(monitor: ScoreMonitor, below: Ints, upto: Ints) -> Floats:
    """What each bet pays over a window, [S, K, L], from the counts of reference rows below and up to rows.

    Untied rows are counted by bin, so that the cost does not grow with the number of bets.
    """
    scores, places = len(below), monitor.ordered.shape[1] + 1
    single = below == upto  # [S, N]: tied with no reference row
    cells = below * BINS // places + BINS * np.arange(scores)[:, None]
    counts = np.bincount(cells[single], minlength=scores * BINS).reshape(scores, BINS)
    payoffs = counts @ _logs(monitor, VALUES).reshape(BINS, -1)  # [S, K * L]
    if not single.all():
        sums = np.concatenate([np.zeros((len(SHAPES), 1)), bins_of(places).cumsum(1)], axis=1)  # [K, m + 2]
        for score in np.flatnonzero(~single.all(1)):
            tied = ~single[score]
            firsts, at, times = np.unique(below[score, tied], return_index=True, return_counts=True)
            lasts = upto[score, tied][at]
            means = (sums[:, lasts + 1] - sums[:, firsts]) / (lasts + 1 - firsts)  # [K, ties]
            payoffs[score] += times @ _logs(monitor, means).reshape(len(times), -1)
    return payoffs.reshape(scores, *monitor.bets.shape)


def _logs(monitor: ScoreMonitor, values: Floats) -> Floats:
    """Logarithms [V, K, L] of what each bet pays for values [K, V] of the shapes."""
    gains = values.T - monitor.ceilings  # [V, K]
    return cast("Floats", np.log1p(gains[:, :, None] * monitor.bets))


def _distances(below: Ints, upto: Ints, places: int) -> Floats:
    """Kolmogorov-Smirnov distances [S] between window and reference, from the counts of ascending rows."""
    rows = below.shape[1]
    passed = np.arange(rows) / rows
    above = (passed + 1 / rows - upto / places).max(axis=1)
    under = (below / places - passed).max(axis=1)
    return cast("Floats", np.maximum(above, under))


def _check_finite(scores: npt.NDArray[np.floating], side: str) -> None:
    broken = int((~np.isfinite(scores)).any(axis=1).sum())
    if broken:
        raise CannotJudge(f"the scores of {broken} of {len(scores)} {side} rows are not finite")
