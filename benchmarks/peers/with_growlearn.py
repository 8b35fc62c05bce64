"""GrowLearn's own detectors, as the peers' processes run theirs."""

from __future__ import annotations

from functools import partial

import numpy as np
from peers.streams import FALSE, Array, Ladder, Method, Rows, Update

from growlearn.domain.job import DriftConfig
from growlearn.drift.detectors.mmd import mmd
from growlearn.drift.detectors.output_ks import output_ks
from growlearn.drift.sample import Sample
from growlearn.drift.sequential.alpha_budget import AlphaBudget, make_lifetime_budget
from growlearn.drift.sequential.conformal_martingale import make_score_monitor, update_with_scores
from growlearn.drift.sequential.risk import make_risk_monitor, update_with_losses
from growlearn.drift.sequential_monitor import monitored_score_names, monitored_scores

SHIPPED = FALSE / 4  # the first task's half of alpha, and of that half for scores and half for errors
SPENT = (20.0, 10.0, 5.0, 2.0, 1.0, 0.2)  # in place of alpha: above 1 no promise is left, only calibration


def sample(rows: Rows) -> Sample:
    """As a detector sees them."""
    none = np.full(len(rows.wrong), -1)
    return Sample(outputs=rows.outputs, features=rows.features, inputs={}, kinds={}, targets=none)


def sequential(  # type: ignore[no-untyped-def]
    reference: Rows, budget: AlphaBudget, min_effect_size: float, min_error_increase: float
):
    """Scores and risk, each at that budget, as drift/sequential_monitor.py does it."""
    known = sample(reference)
    scores = make_score_monitor(
        monitored_scores(known), monitored_score_names(known), budget, min_effect_size
    )
    risk = make_risk_monitor(reference.wrong, budget, min_error_increase)
    so_far = [scores.initial_e_process(), risk.initial_e_process()]

    def alarm(window: Rows) -> bool:
        seen = update_with_scores(scores, so_far[0], monitored_scores(sample(window)))
        errors = update_with_losses(risk, so_far[1], window.wrong)
        so_far[:] = seen.e_process, errors.e_process
        return seen.alarm or errors.alarm

    return alarm


def shipped(reference: Rows) -> Update:
    """Alpha 0.05, min_effect_size and min_error_increase by default; its promise is its calibration."""
    spec = DriftConfig(decision_rule="sequential")
    return Ladder(
        [
            sequential(
                reference,
                make_lifetime_budget(SHIPPED),
                spec.min_effect_size_or_default,
                spec.min_error_increase,
            )
        ]
    )


def sharp(reference: Rows) -> Update:
    """Alpha 0.05 as shipped, but nothing is too small."""
    return Ladder([sequential(reference, make_lifetime_budget(SHIPPED), 0.0, 0.0)])


def tuned(reference: Rows) -> Update:
    """Without a smallest effect, and as much spent as the stable streams allow."""
    return Ladder([sequential(reference, budget(spent), 0.0, 0.0) for spent in SPENT])


def budget(spent: float) -> AlphaBudget:
    """Alpha's parts, as `make_lifetime_budget` shares it, for any alpha."""
    part = spent / 4
    return AlphaBudget(
        reference_alpha=min(part, 0.9), sequential_alpha=min(2 * part, 0.9), single_window_alpha=part
    )


def ks_by_window(reference: Rows) -> Update:
    """The detector output-ks: the smallest of the outputs' p-values."""
    known = sample(reference)
    return lambda window: max(
        -np.log(max(finding.p_value, 1e-300)) for finding in output_ks(known, sample(window), FALSE)
    )


METHODS = {
    "GrowLearn sequential, as shipped": Method(shipped, forgets=False, threshold=0.0),
    "GrowLearn sequential, no min_effect_size": Method(sharp, forgets=False, threshold=0.0),
    "GrowLearn sequential, calibrated": Method(tuned, forgets=False, streams=40),
    "GrowLearn output-ks": Method(ks_by_window),
}


def timings(x: Array, y: Array, moved: Array):  # type: ignore[no-untyped-def]
    """Calls to be timed, on pixels [5,000, 784] against as many; `moved` for permutations that go on."""
    known, window, other = (sample(Rows(part, part, np.zeros(len(part)))) for part in (x, y, moved[:1000]))
    few = sample(Rows(x[:1000], x[:1000], np.zeros(1000)))
    return {
        "KS: GrowLearn output-ks": partial(output_ks, known, window, FALSE),
        "MMD: GrowLearn mmd": partial(mmd, few, other, 0.01),
    }
