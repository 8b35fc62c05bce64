"""What is fitted on validation rows after the weights: temperature, decision threshold, metric value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar
from scipy.special import logsumexp
from torch import Tensor

from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import Calibration
from growlearn.domain.metric import METRICS, Metric
from growlearn.metrics import ScoredRows, compute_metric
from growlearn.network.head_output import Logits, calibrate_logits, choose_classes, to_probabilities

_MAX_LOG_TEMPERATURE = 3.0  # temperatures from 1/20 to 20
_MAX_OFFSET = 20.0  # nats
_MAX_CANDIDATES = 100  # thresholds that are compared
Targets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CalibratedHead:
    """How a head's logits are read, and its value by the metric on the rows this was fitted on.

    `threshold` is None where the largest logit decides. `value` is None where the metric is accuracy or is
    not defined on the rows. `loss` is the mean cross-entropy after calibration, in nats.
    """

    calibration: Calibration
    threshold: float | None = None
    value: float | None = None
    loss: float = math.nan


def calibrate_plan(plan: GrowthPlan, logits: Tensor, targets: Tensor) -> CalibratedHead:
    """The temperature and threshold of a plan's head by its logits [N, C] of validation rows, targets [N]."""
    positive = None if plan.positive_class is None else plan.classes.index(plan.positive_class)
    return calibrate_head(
        logits.cpu().numpy(), targets.cpu().numpy(), METRICS[plan.metric], plan.class_weights, positive
    )


def calibrate_head(
    logits: Logits, targets: Targets, metric: Metric, class_weights: Sequence[float], positive: int | None
) -> CalibratedHead:
    """Fit temperature and threshold of a head on validation rows, and measure it with both.

    Logits [N, C] of validation rows, targets [N] their class indices. `class_weights` [C] are those of the
    training loss; empty where all are 1. The threshold is chosen for two classes by a metric of predicted
    classes; accuracy needs none.
    """
    calibration = fit_temperature(logits, targets, class_weights)
    probabilities = to_probabilities(calibrate_logits(logits, calibration))
    threshold = None
    if metric.chooses_threshold and logits.shape[1] == 2:
        threshold = choose_threshold(probabilities, targets, metric, positive)
    return CalibratedHead(
        calibration,
        threshold,
        measure_head(logits, targets, metric, positive, CalibratedHead(calibration, threshold)),
        measure_calibrated_loss(logits, targets, calibration),
    )


def measure_head(
    logits: Logits, targets: Targets, metric: Metric, positive: int | None, head: CalibratedHead
) -> float | None:
    """The metric of a head's logits, read as `head` says; None for accuracy, or where it is not defined."""
    if metric.is_accuracy:
        return None
    probabilities = to_probabilities(calibrate_logits(logits, head.calibration))
    predicted = choose_classes(logits, probabilities, head.threshold)
    return compute_metric(metric, ScoredRows(probabilities, predicted, targets, positive))


def fit_temperature(logits: Logits, targets: Targets, class_weights: Sequence[float]) -> Calibration:
    """The temperature with the highest likelihood of the rows (Guo et al. 2017, "On Calibration").

    The log temperature has a standard normal prior: on a few rows that are all right the likelihood alone
    would make the model certain. Logits that are not finite keep temperature 1.
    """
    offsets = tuple(float(-np.log(weight)) for weight in class_weights)
    shifted = logits.astype(np.float64) + (np.array(offsets) if offsets else 0.0)  # [N, C]
    if not np.isfinite(shifted).all():
        return Calibration(offsets=offsets)
    of_label = shifted[np.arange(len(targets)), targets]  # [N]

    def cost(log_temperature: float) -> float:
        scale = np.exp(-log_temperature)
        losses = logsumexp(scale * shifted, axis=1) - scale * of_label
        return float(losses.sum() + log_temperature**2 / 2)

    bounds = (-_MAX_LOG_TEMPERATURE, _MAX_LOG_TEMPERATURE)
    best = float(minimize_scalar(cost, bounds=bounds, method="bounded").x)
    return Calibration(temperature=float(f"{np.exp(best):.4g}"), offsets=offsets)


def measure_calibrated_loss(logits: Logits, targets: Targets, calibration: Calibration) -> float:
    """The mean cross-entropy of logits [N, C] on targets [N] after calibration, in nats."""
    calibrated = calibrate_logits(logits, calibration).astype(np.float64)  # [N, C]
    of_label = calibrated[np.arange(len(targets)), targets]  # [N]
    return float((logsumexp(calibrated, axis=1) - of_label).mean())


def measure_information(logits: Logits, targets: Targets) -> float:
    """By how much logits lower the log loss of the class frequencies alone, in nats; 0 or more.

    Logits [N, C], targets [N]. A scale of 0 or more and an offset a class are fitted to the rows first
    (vector scaling with one scale, Guo et al. 2017): an answer that is too sure, or that expects other
    frequencies, still tells something. With a scale of 0 the frequencies are what is left.
    """
    values = logits.astype(np.float64) - logits.mean(axis=1, keepdims=True)  # [N, C]
    one_hot = np.eye(logits.shape[1])[targets]  # [N, C]
    if not np.isfinite(values).all():
        return 0.0

    def loss(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        scale, offsets = parameters[0], parameters[1:]
        scaled = scale * values + offsets
        log_probabilities = scaled - logsumexp(scaled, axis=1, keepdims=True)
        error = (np.exp(log_probabilities) - one_hot) / len(targets)  # [N, C], of the mean loss
        gradient = np.concatenate([[(error * values).sum()], error.sum(0)])
        return -float((one_hot * log_probabilities).sum() / len(targets)), gradient

    start = np.zeros(1 + logits.shape[1])
    bounds = [(0.0, None), *((-_MAX_OFFSET, _MAX_OFFSET),) * logits.shape[1]]
    fitted = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    shares = one_hot.mean(0)
    entropy = -float((shares[shares > 0] * np.log(shares[shares > 0])).sum())
    return max(0.0, entropy - float(fitted.fun))


def choose_threshold(
    probabilities: Logits, targets: Targets, metric: Metric, positive: int | None
) -> float | None:
    """The threshold on the second class's probability that is best by the metric.

    Of equals the nearest to 1/2. Candidates are 1/2 and values halfway between neighbouring probabilities, as
    many around the rows of one class as around those of the other. None where the metric is not defined on
    the rows.
    """
    scores = probabilities[:, 1].astype(np.float64)
    distinct = np.unique(scores)
    quantiles = np.linspace(0, 1, _MAX_CANDIDATES // 2)
    around = np.concatenate(
        [np.quantile(scores[targets == target], quantiles, method="nearest") for target in np.unique(targets)]
    )
    upper = np.unique(np.searchsorted(distinct, around).clip(1, max(1, len(distinct) - 1)))
    halfway = (distinct[upper - 1] + distinct[upper]) / 2 if len(distinct) > 1 else np.empty(0)
    candidates = sorted({0.5, *halfway.tolist()}, key=lambda threshold: abs(threshold - 0.5))
    values = [
        compute_metric(
            metric, ScoredRows(probabilities, (scores > candidate).astype(np.int64), targets, positive)
        )
        for candidate in candidates
    ]
    if values[0] is None:
        return None
    merits = [-np.inf if value is None else metric.merit(value) for value in values]
    return float(candidates[int(np.argmax(merits))])
