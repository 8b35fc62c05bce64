"""A model's answers to a question, beside the truth, and how they are stored; reading them needs no model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors.numpy import save

from growlearn.domain.evaluation import Cell
from growlearn.ports import Question


@dataclass(frozen=True, eq=False)
class Answers:
    """Logits float32 [N, C] and the place of the true class int64 [N].

    A row whose label is none of the task's classes has place C: no answer to it is right.
    """

    logits: npt.NDArray[np.float32]
    truth: npt.NDArray[Any]

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether each row is answered right, bool [N]: by the largest logit, the first of equals."""
        return np.asarray(self.logits.argmax(axis=1) == self.truth, dtype=np.bool_)


def dump(answers: Answers) -> bytes:
    """Answers as safetensors; equal ones give equal bytes, so a frozen task's are stored once."""
    return save(
        {"logits": np.ascontiguousarray(answers.logits), "truth": np.ascontiguousarray(answers.truth)}
    )


def load(content: bytes) -> Answers:
    """Answers from what `dump` gave.

    >>> import numpy as np
    >>> load(dump(Answers(np.array([[0.2, 0.9]], np.float32), np.array([1])))).right
    array([ True])
    """
    arrays = safetensors.numpy.load(content)
    return Answers(arrays["logits"], arrays["truth"])


def cell_of(answers: Answers, question: Question, correct: int, put: Callable[[bytes], str]) -> Cell:
    """What is recorded of answers to a question; they are stored with `put`, unless there are none."""
    rows = len(answers.truth)
    stored = put(dump(answers)) if rows else None
    return Cell(task=question.task, correct=correct, rows=rows, answers=stored)
