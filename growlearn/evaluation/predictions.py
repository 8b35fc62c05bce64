"""Logits of a model on labelled rows, with the true classes, and their stored form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors.numpy import save

from growlearn.domain.errors import CorruptArtifact
from growlearn.domain.evaluation import TaskScore
from growlearn.metrics import ScoredRows
from growlearn.network.head_output import to_probabilities
from growlearn.ports import EvalRequest


@dataclass(frozen=True, eq=False)
class Predictions:
    """Calibrated logits float32 [N, C] and the index of the true class int64 [N].

    A label that is not among the task's C classes has index C, so no prediction for it is correct. `chosen`
    are the predicted classes, int64 [N], where a threshold chose others than the largest logit.
    """

    logits: npt.NDArray[np.float32]
    targets: npt.NDArray[Any]
    chosen: npt.NDArray[Any] | None = None

    @property
    def predicted(self) -> npt.NDArray[Any]:
        """The index of each row's predicted class, [N]; by the largest logit, the first of equals."""
        return self.logits.argmax(axis=1) if self.chosen is None else self.chosen

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Whether each row is predicted correctly, bool [N]."""
        return np.asarray(self.predicted == self.targets, dtype=np.bool_)

    def to_scored_rows(self, positive: int | None) -> ScoredRows:
        """What metrics are computed from; `positive` is the index of the positive class of two."""
        return ScoredRows(to_probabilities(self.logits), self.predicted, self.targets, positive)


def make_predictions(
    calibrated: npt.NDArray[np.float32],
    chosen: npt.NDArray[Any],
    targets: npt.NDArray[Any],
) -> Predictions:
    """Predictions of N rows; the chosen classes are kept only where the calibrated logits do not say them.

    >>> logits = np.array([[2, 1], [0, 1]], np.float32)
    >>> make_predictions(logits, np.array([0, 1]), np.array([0, 0])).chosen is None
    True
    """
    is_told = np.array_equal(calibrated.argmax(axis=1), chosen)
    return Predictions(calibrated, targets, None if is_told else chosen)


def dump_predictions(predictions: Predictions) -> bytes:
    """Predictions as safetensors; equal ones give equal bytes, so a frozen task's are stored once."""
    arrays = {"logits": predictions.logits, "targets": predictions.targets}
    if predictions.chosen is not None:
        arrays["chosen"] = predictions.chosen
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def load_predictions(content: bytes) -> Predictions:
    """The predictions of stored bytes.

    >>> import numpy as np
    >>> predictions = Predictions(np.array([[0.2, 0.9]], np.float32), np.array([1]))
    >>> load_predictions(dump_predictions(predictions)).correct
    array([ True])
    """
    try:
        arrays = safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        raise CorruptArtifact(
            f"stored predictions are not safetensors: {error}", hint="run: growlearn fsck"
        ) from error
    return Predictions(arrays["logits"], arrays["targets"], arrays.get("chosen"))


def make_task_score(
    predictions: Predictions, request: EvalRequest, correct: int, put: Callable[[bytes], str]
) -> TaskScore:
    """The score of an evaluation request; its predictions are stored with `put` where it has rows."""
    rows = len(predictions.targets)
    stored = put(dump_predictions(predictions)) if rows else None
    return TaskScore(task=request.task, correct=correct, rows=rows, logits_sha256=stored)
