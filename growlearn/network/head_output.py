"""From a head's logits to the probabilities that people see, and to the predicted class."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from growlearn.domain.lineage import Calibration

Logits = npt.NDArray[np.float32]


def calibrate_logits(logits: Logits, calibration: Calibration) -> Logits:
    """Logits [N, C] whose softmax are the calibrated probabilities: (logits + offsets) / temperature."""
    if calibration.offsets:
        logits = logits + np.array(calibration.offsets, dtype=np.float32)
    if calibration.temperature == 1:
        return logits
    return logits / np.float32(calibration.temperature)


def to_probabilities(logits: Logits) -> Logits:
    """The softmax of logits [N, C], float32."""
    with np.errstate(invalid="ignore"):  # of a model that diverged: NaN
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))  # [N, C], the largest is 1
        probabilities: Logits = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def choose_classes(
    logits: Logits, probabilities: Logits, threshold: float | None
) -> npt.NDArray[np.signedinteger[Any]]:
    """The index of the predicted class, [N]: of the largest logit, the first of equals.

    Where a threshold is given, the second of two classes where its probability is above it, else the first.
    `logits` are as the head gives them, `probabilities` are calibrated.
    """
    if threshold is None:
        largest: npt.NDArray[np.int64] = logits.argmax(axis=1)
        return largest
    return (probabilities[:, 1].astype(np.float64) > threshold).astype(np.int64)
