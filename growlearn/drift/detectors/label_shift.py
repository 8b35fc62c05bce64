"""How the mix of labels moved, seen through the model's answers: black-box shift estimation.

Source: Lipton, Wang, Smola, "Detecting and Correcting for Label Shift with Black Box Predictors" (ICML
2018), BBSE for the mix and BBSD for the test.
"""

from __future__ import annotations

import numpy as np

from growlearn.drift.detectors.counts import Counts, homogeneity
from growlearn.drift.detectors.finding import CannotJudge, Finding, check_outputs
from growlearn.drift.mix import Shares, mix_of, moved_labels
from growlearn.drift.sample import Sample

LEAST_LABELLED = 5
"""Reference rows of each class whose label is known."""
_LEAST_SINGULAR = 0.1  # of P(answer | label), whose largest is about 1: errors in mu grow by up to 10


def label_shift(reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
    """Chi-square of how often each class is answered in the window and in the reference.

    If only the mix of labels moved, P(x | label) standing still, this test sees it and `estimated_mix`
    says what the mix is now; it also alarms for other changes that move the answers, so by itself it does
    not tell the two apart. Rare answers are pooled. The effect is the total variation, half the sum of
    |q_c - p_c|, between the window's estimated mix q and the reference's own p: the share of labels that
    changed, from 0 to 1. Raises CannotJudge as `estimated_mix` does.
    """
    mix, there = estimated_mix(reference, query), mix_of(reference)
    assert there is not None, "a mix is estimated from labelled rows"
    statistic, p_value = homogeneity(_answers(reference), _answers(query))
    finding = Finding(
        name="mix of answers",
        statistic=statistic,
        p_value=p_value,
        threshold=alpha,
        effect=moved_labels(mix, there),
    )
    return (finding,)


def estimated_mix(reference: Sample, query: Sample) -> Shares:
    """Shares [C] of the classes in a window whose labels nobody knows.

    BBSE: with the confusion matrix of the labelled reference rows C_ij = P(answer i, label j) and the
    window's answers mu_i, the weights w = C^-1 mu are q_j / p_j. Solved here for q itself, from
    P(answer | label) q = mu; negative shares, which chance makes, become 0 and the rest is scaled to 1.
    Raises CannotJudge where outputs are not finite or those of the reference all alike, where a class has
    fewer than 5 labelled reference rows, and where the answers hardly depend on the label.
    """
    check_outputs(reference, query)
    labelled = reference.targets >= 0
    classes = reference.outputs.shape[1]
    confusion = np.zeros((classes, classes))  # [answer, label]
    np.add.at(confusion, (reference.outputs.argmax(1)[labelled], reference.targets[labelled]), 1)
    rows = confusion.sum(0)  # [C]
    if rows.min() < LEAST_LABELLED:
        poorest = reference.class_at(int(rows.argmin()))
        raise CannotJudge(
            f"the reference has {int(rows.min())} labelled rows of class {poorest}; "
            f"label-shift needs {LEAST_LABELLED} of each"
        )
    given_label = confusion / rows
    if np.linalg.svd(given_label, compute_uv=False).min() < _LEAST_SINGULAR:
        raise CannotJudge("the model takes some classes for each other too often to tell their shares apart")
    shares = np.linalg.solve(given_label, _answers(query) / len(query)).clip(0)
    return np.asarray(shares / shares.sum(), np.float64)


def _answers(sample: Sample) -> Counts:
    """How many rows get each class for an answer, [C]."""
    return np.bincount(sample.outputs.argmax(1), minlength=sample.outputs.shape[1])
