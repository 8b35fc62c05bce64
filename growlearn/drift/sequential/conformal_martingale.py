"""A conformal test martingale of the model's scores against a fixed reference sample.

For each of S scores and K betting functions h, with c the upper bound of E[h(u)] over the reference's
sampling error and `min_effect_size` (betting_functions.py), a row with rank u pays 1 + bet * (h(u) - c). With
probability 1 - `budget.reference_alpha` all S times K bounds hold at once (Bonferroni). Then each payoff has
expectation 1 or less given the past, for any distribution within min_effect_size of the reference's, whatever
the dependence between scores; so products, and averages over bets, scores and starting windows, are
e-processes, and Ville's inequality gives

    P(evidence of 1 / sequential_alpha or more, ever) <= reference_alpha + sequential_alpha.

A window that is an alarm alone (single_window_test.py) adds `single_window_alpha`.

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

from growlearn.domain.drift import EProcess
from growlearn.drift.detectors.result import Inconclusive
from growlearn.drift.sequential.alpha_budget import AlphaBudget
from growlearn.drift.sequential.betting_functions import (
    BETTING_FUNCTIONS,
    BETTING_VALUES,
    NUM_RANK_BINS,
    null_mean_bounds,
    values_at_ranks,
)
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
from growlearn.drift.sequential.single_window_test import critical_ks_distance

Ints = npt.NDArray[np.intp]

MIN_REFERENCE_ROWS = 30


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoreMonitor:
    """The reference of a monitor: `sorted_reference` [S, m] has each score in ascending order."""

    names: tuple[str, ...]
    budget: AlphaBudget
    min_effect_size: float
    sorted_reference: Floats
    upper_bounds: Floats  # [K]
    bets: Floats  # [K, L]
    fingerprint: str

    def initial_e_process(self) -> EProcess:
        """No evidence yet."""
        return EProcess(fingerprint=self.fingerprint)


def make_score_monitor(
    reference: npt.NDArray[np.floating],
    names: Sequence[str],
    budget: AlphaBudget,
    min_effect_size: float = 0.0,
    reference_id: str | None = None,
) -> ScoreMonitor:
    """A monitor for S scores of m reference rows, reference [m, S].

    `min_effect_size` is the largest KS distance sup_x |F(x) - F_ref(x)| of a score that is never an alarm.
    `reference_id` names the reference, whose scores may differ in their last bits between machines; without
    one the scores themselves do. Raises Inconclusive for fewer than 30 rows, scores that are not finite, or
    all of them constant.
    """
    check_min_effect_size(min_effect_size)
    rows, scores = reference.shape
    if rows < MIN_REFERENCE_ROWS:
        raise Inconclusive(f"the reference has {rows} rows; at least {MIN_REFERENCE_ROWS} are needed")
    _check_finite(reference, "reference")
    if (reference == reference[0]).all():
        raise Inconclusive(f"the model gives all {rows} reference rows the same scores")
    sorted_reference = np.sort(reference.T.astype(np.float64), axis=1)  # [S, m]
    upper_bounds = null_mean_bounds(
        rows, budget.reference_alpha / (scores * len(BETTING_FUNCTIONS)), min_effect_size
    )  # [K]
    bets = compute_bet_sizes(upper_bounds, BETTING_VALUES.std(axis=1))  # [K, L]
    digest = hashlib.sha256(repr((tuple(names), budget, min_effect_size)).encode())
    digest.update(sorted_reference.tobytes() if reference_id is None else reference_id.encode())
    for part in (BETTING_VALUES, BET_EFFECT_SIZES):  # not the bets: their last bits may differ too
        digest.update(part.tobytes())
    return ScoreMonitor(
        names=tuple(names),
        budget=budget,
        min_effect_size=min_effect_size,
        sorted_reference=sorted_reference,
        upper_bounds=upper_bounds,
        bets=bets,
        fingerprint=digest.hexdigest(),
    )


def update_with_scores(
    monitor: ScoreMonitor, e_process: EProcess, scores: npt.NDArray[np.floating]
) -> EProcessUpdate:
    """The e-process after a window of N rows, scores [N, S]; the order of its rows does not matter.

    Raises Inconclusive for a window that is empty or has scores that are not finite, GrowLearnError for an
    e-process of another reference.
    """
    check_fingerprint(e_process, monitor.fingerprint)
    if len(scores) == 0:
        raise Inconclusive("the window has no rows")
    _check_finite(scores, "window")
    window = np.sort(scores.T.astype(np.float64), axis=1)  # [S, N]
    below = np.stack(
        [np.searchsorted(*pair, "left") for pair in zip(monitor.sorted_reference, window, strict=True)]
    )
    upto = np.stack(
        [np.searchsorted(*pair, "right") for pair in zip(monitor.sorted_reference, window, strict=True)]
    )
    payoffs = _log_payoffs(monitor, below, upto)  # [S, K, L]
    effects = _ks_distances(below, upto, monitor.sorted_reference.shape[1])  # [S]
    alarmed_alone = effects > _critical_effect(monitor, e_process.num_windows + 1, len(scores))
    updated = update_e_process(
        e_process, payoffs.ravel(), len(scores), monitor.budget, bool(alarmed_alone.any())
    )
    log_wealth = np.reshape(updated.log_wealth, payoffs.shape)  # [S, K, L]
    by_function = log_mean_exp(log_wealth)  # [S, K]
    columns = (
        by_function.argmax(axis=1),
        effects.tolist(),
        log_mean_exp(by_function).tolist(),
        alarmed_alone.tolist(),
    )
    directions = list(BETTING_FUNCTIONS)
    shifted_scores = [
        ShiftedScore(
            name=name, direction=directions[index], effect=effect, log_evidence=log, alarmed_alone=alone
        )
        for name, index, effect, log, alone in zip(monitor.names, *columns, strict=True)
    ]
    return EProcessUpdate(
        e_process=updated,
        log_evidence=float(log_mean_exp(by_function.ravel())),
        budget=monitor.budget,
        shifted_scores=tuple(
            sorted(shifted_scores, key=lambda score: (not score.alarmed_alone, -score.log_evidence))
        ),
    )


def _critical_effect(monitor: ScoreMonitor, window_number: int, rows: int) -> float:
    """The effect above which a window of that number, counted from 1, is an alarm alone."""
    if monitor.budget.single_window_alpha == 0:
        return 2.0  # no distance exceeds it
    scores, reference_rows = monitor.sorted_reference.shape
    # Two-sided, for each score.
    alpha = monitor.budget.single_window_alpha * monitor.budget.weight(window_number) / (2 * scores)
    return monitor.min_effect_size + critical_ks_distance(rows, reference_rows, alpha)


def _log_payoffs(monitor: ScoreMonitor, below: Ints, upto: Ints) -> Floats:
    """The log payoff of each bet over a window, [S, K, L], from the reference rows below and up to each row.

    Untied rows are counted by bin, so that the cost does not grow with the number of bets.
    """
    scores, num_ranks = len(below), monitor.sorted_reference.shape[1] + 1
    untied = below == upto  # [S, N]: tied with no reference row
    cells = below * NUM_RANK_BINS // num_ranks + NUM_RANK_BINS * np.arange(scores)[:, None]
    counts = np.bincount(cells[untied], minlength=scores * NUM_RANK_BINS).reshape(scores, NUM_RANK_BINS)
    payoffs = counts @ _log_bet_payoffs(monitor, BETTING_VALUES).reshape(NUM_RANK_BINS, -1)  # [S, K * L]
    if not untied.all():
        sums = np.concatenate(
            [np.zeros((len(BETTING_FUNCTIONS), 1)), values_at_ranks(num_ranks).cumsum(1)], axis=1
        )  # [K, m + 2]
        for score in np.flatnonzero(~untied.all(1)):
            tied = ~untied[score]
            firsts, first_indices, tie_counts = np.unique(
                below[score, tied], return_index=True, return_counts=True
            )
            lasts = upto[score, tied][first_indices]
            means = (sums[:, lasts + 1] - sums[:, firsts]) / (lasts + 1 - firsts)  # [K, ties]
            payoffs[score] += tie_counts @ _log_bet_payoffs(monitor, means).reshape(len(tie_counts), -1)
    return payoffs.reshape(scores, *monitor.bets.shape)


def _log_bet_payoffs(monitor: ScoreMonitor, values: Floats) -> Floats:
    """Log payoffs [V, K, L] of each bet for values [K, V] of the betting functions."""
    gains = values.T - monitor.upper_bounds  # [V, K]
    return cast("Floats", np.log1p(gains[:, :, None] * monitor.bets))


def _ks_distances(below: Ints, upto: Ints, reference_rows: int) -> Floats:
    """Kolmogorov-Smirnov distances [S] between window and reference, from the counts of ascending rows."""
    rows = below.shape[1]
    passed = np.arange(rows) / rows
    above = (passed + 1 / rows - upto / reference_rows).max(axis=1)
    under = (below / reference_rows - passed).max(axis=1)
    return cast("Floats", np.maximum(above, under))


def _check_finite(scores: npt.NDArray[np.floating], side: str) -> None:
    num_not_finite = int((~np.isfinite(scores)).any(axis=1).sum())
    if num_not_finite:
        raise Inconclusive(f"the scores of {num_not_finite} of {len(scores)} {side} rows are not finite")
