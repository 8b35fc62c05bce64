"""Label shift from the model's predictions: black-box shift estimation.

Source: Lipton, Wang, Smola, "Detecting and Correcting for Label Shift with Black Box Predictors" (ICML
2018), BBSE for the class frequencies and BBSD for the test.
"""

from __future__ import annotations

import numpy as np

from growlearn.drift.class_frequencies import ClassFrequencies, compute_class_frequencies, total_variation
from growlearn.drift.detectors.contingency import CategoryCounts, chi_square_homogeneity
from growlearn.drift.detectors.result import DetectorResult, Inconclusive, check_outputs
from growlearn.drift.sample import Sample

MIN_LABELLED_PER_CLASS = 5
"""Labelled reference rows that each class needs."""
_MIN_SINGULAR_VALUE = 0.1  # of P(prediction | label), largest about 1: errors in mu grow at most tenfold


def label_shift(reference: Sample, query: Sample, alpha: float) -> tuple[DetectorResult, ...]:
    """Chi-square of how often each class is predicted in the window and in the reference.

    If only the class frequencies changed, with P(x | label) constant, this test detects it and
    `estimate_class_frequencies` estimates them. It also alarms on other changes of the predictions, so alone
    it does not distinguish the two. Rare predictions are pooled. The effect is the total variation, half the
    sum of |q_c - p_c|, between the window's estimated frequencies q and the reference's p: the share of
    labels that changed, from 0 to 1. Raises Inconclusive as `estimate_class_frequencies` does.
    """
    frequencies = estimate_class_frequencies(reference, query)
    reference_frequencies = compute_class_frequencies(reference)
    assert reference_frequencies is not None, "frequencies are estimated from labelled rows"
    statistic, p_value = chi_square_homogeneity(
        _count_predicted_classes(reference), _count_predicted_classes(query)
    )
    result = DetectorResult(
        name="mix of answers",
        statistic=statistic,
        p_value=p_value,
        threshold=alpha,
        effect=total_variation(frequencies, reference_frequencies),
    )
    return (result,)


def estimate_class_frequencies(reference: Sample, query: Sample) -> ClassFrequencies:
    """Estimated class frequencies [C] of a window without labels.

    BBSE: with the confusion matrix of the labelled reference rows C_ij = P(prediction i, label j) and the
    window's prediction frequencies mu_i, the weights w = C^-1 mu are q_j / p_j. Solved here for q itself,
    from P(prediction | label) q = mu; negative values, which arise by chance, become 0 and the rest is scaled
    to sum to 1. Raises Inconclusive where outputs are not finite or the reference outputs are constant, where
    a class has fewer than 5 labelled reference rows, and where predictions hardly depend on the label.
    """
    check_outputs(reference, query)
    labelled = reference.targets >= 0
    classes = reference.outputs.shape[1]
    confusion = np.zeros((classes, classes))  # [prediction, label]
    np.add.at(confusion, (reference.outputs.argmax(1)[labelled], reference.targets[labelled]), 1)
    rows = confusion.sum(0)  # [C]
    if rows.min() < MIN_LABELLED_PER_CLASS:
        rarest_label = reference.label_at(int(rows.argmin()))
        raise Inconclusive(
            f"the reference has {int(rows.min())} labelled rows of class {rarest_label}; "
            f"label-shift needs {MIN_LABELLED_PER_CLASS} of each"
        )
    given_label = confusion / rows
    if np.linalg.svd(given_label, compute_uv=False).min() < _MIN_SINGULAR_VALUE:
        raise Inconclusive("the model confuses some classes too often to estimate their frequencies")
    frequencies = np.linalg.solve(given_label, _count_predicted_classes(query) / len(query)).clip(0)
    return np.asarray(frequencies / frequencies.sum(), np.float64)


def _count_predicted_classes(sample: Sample) -> CategoryCounts:
    """How many rows are predicted as each class, [C]."""
    return np.bincount(sample.outputs.argmax(1), minlength=sample.outputs.shape[1])
