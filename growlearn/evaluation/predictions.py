"""Logits of a model on labelled rows, with the true classes, and their stored form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors.numpy import save

from growlearn.domain.evaluation import TaskScore
from growlearn.ports import EvalRequest


@dataclass(frozen=True, eq=False)
class Predictions:
    """Logits float32 [N, C] and the index of the true class int64 [N].

    A label that is not among the task's C classes has index C, so no prediction for it is correct.
    """

    logits: npt.NDArray[np.float32]
    targets: npt.NDArray[Any]

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Whether each row is predicted correctly, bool [N]: by the largest logit, the first of equals."""
        return np.asarray(self.logits.argmax(axis=1) == self.targets, dtype=np.bool_)


def dump_predictions(predictions: Predictions) -> bytes:
    """Predictions as safetensors; equal ones give equal bytes, so a frozen task's are stored once."""
    return save(
        {
            "logits": np.ascontiguousarray(predictions.logits),
            "targets": np.ascontiguousarray(predictions.targets),
        }
    )


def load_predictions(content: bytes) -> Predictions:
    """The predictions of stored bytes.

    >>> import numpy as np
    >>> predictions = Predictions(np.array([[0.2, 0.9]], np.float32), np.array([1]))
    >>> load_predictions(dump_predictions(predictions)).correct
    array([ True])
    """
    arrays = safetensors.numpy.load(content)
    return Predictions(arrays["logits"], arrays["targets"])


def make_task_score(
    predictions: Predictions, request: EvalRequest, correct: int, put: Callable[[bytes], str]
) -> TaskScore:
    """The score of an evaluation request; its predictions are stored with `put` where it has rows."""
    rows = len(predictions.targets)
    stored = put(dump_predictions(predictions)) if rows else None
    return TaskScore(task=request.task, correct=correct, rows=rows, logits_sha256=stored)
