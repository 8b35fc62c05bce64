"""GrowLearn's own detectors, as the peers' processes run theirs."""

from __future__ import annotations

from functools import partial

import numpy as np
from peers.streams import FALSE, Array, Ladder, Method, Rows, Update

from growlearn.domain.job import DriftSpec
from growlearn.drift.detectors.feature_mmd import feature_mmd
from growlearn.drift.detectors.output_ks import output_ks
from growlearn.drift.evidence.budget import Budget, for_life
from growlearn.drift.evidence.risk import monitor_risk, read_risk
from growlearn.drift.evidence.scores import monitor_scores, read_scores
from growlearn.drift.sample import Sample
from growlearn.drift.watch import names_of, scores_of

SHIPPED = FALSE / 4  # the first task's half of alpha, and of that half for scores and half for errors
SPENT = (20.0, 10.0, 5.0, 2.0, 1.0, 0.2)  # in place of alpha: above 1 no promise is left, only calibration


def sample(rows: Rows) -> Sample:
    """As a detector sees them."""
    none = np.full(len(rows.wrong), -1)
    return Sample(outputs=rows.outputs, features=rows.features, inputs={}, kinds={}, targets=none)


def anytime(reference: Rows, budget: Budget, min_effect: float, min_harm: float):  # type: ignore[no-untyped-def]
    """Scores and risk, each at that budget, as drift/watch.py reads them; the monitors are made once."""
    known = sample(reference)
    scores = monitor_scores(scores_of(known), names_of(known), budget, min_effect)
    risk = monitor_risk(reference.wrong, budget, min_harm)
    so_far = [scores.start(), risk.start()]

    def alarm(window: Rows) -> bool:
        seen = read_scores(scores, so_far[0], scores_of(sample(window)))
        harmed = read_risk(risk, so_far[1], window.wrong)
        so_far[:] = seen.evidence, harmed.evidence
        return seen.alarm or harmed.alarm

    return alarm


def shipped(reference: Rows) -> Update:
    """Alpha 0.05, smallest effect and harm as a job file has them; its promise is its calibration."""
    spec = DriftSpec(decision="anytime")
    return Ladder([anytime(reference, for_life(SHIPPED), spec.smallest_effect, spec.min_harm)])


def sharp(reference: Rows) -> Update:
    """Alpha 0.05 as shipped, but nothing is too small."""
    return Ladder([anytime(reference, for_life(SHIPPED), 0.0, 0.0)])


def tuned(reference: Rows) -> Update:
    """Without a smallest effect, and as much spent as the stable streams allow."""
    return Ladder([anytime(reference, budget(spent), 0.0, 0.0) for spent in SPENT])


def budget(spent: float) -> Budget:
    """Alpha's parts, as `for_life` shares it, for any alpha."""
    part = spent / 4
    return Budget(reference=min(part, 0.9), stream=min(2 * part, 0.9), window=part)


def ks_by_window(reference: Rows) -> Update:
    """The detector output-ks: the smallest of the outputs' p-values."""
    known = sample(reference)
    return lambda window: max(
        -np.log(max(finding.p_value, 1e-300)) for finding in output_ks(known, sample(window), FALSE)
    )


METHODS = {
    "GrowLearn anytime, as shipped": Method(shipped, forgets=False, threshold=0.0),
    "GrowLearn anytime, no smallest effect": Method(sharp, forgets=False, threshold=0.0),
    "GrowLearn anytime, calibrated": Method(tuned, forgets=False, streams=40),
    "GrowLearn output-ks": Method(ks_by_window),
}


def timings(x: Array, y: Array, moved: Array):  # type: ignore[no-untyped-def]
    """Calls to be timed, on pixels [5,000, 784] against as many; `moved` for permutations that go on."""
    known, window, other = (sample(Rows(part, part, np.zeros(len(part)))) for part in (x, y, moved[:1000]))
    few = sample(Rows(x[:1000], x[:1000], np.zeros(1000)))
    return {
        "KS: GrowLearn output-ks": partial(output_ks, known, window, FALSE),
        "MMD: GrowLearn feature-mmd": partial(feature_mmd, few, other, 0.01),
    }
