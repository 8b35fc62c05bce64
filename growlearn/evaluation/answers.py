"""A model's answers to a question, beside the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors.numpy import save

from growlearn.domain.evaluation import Cell
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.router.answering import labels_of, routed_logits
from growlearn.growth.router.router import load_router
from growlearn.ingest.rows import Column, Rows, from_parquet
from growlearn.ports import Artifacts, Question


class Model(Protocol):
    """What answers questions."""

    def logits(self, rows: Rows, task: str) -> npt.NDArray[np.float32]:
        """Answers for N rows as float32 [N, C], in the order of the task's C classes."""
        ...


LoadModel: TypeAlias = Callable[[Manifest], Model]
"""Rebuilds the model of a manifest."""


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


def answer(model: Model, manifest: Manifest, question: Question, artifacts: Artifacts) -> Answers:
    """Answer the labelled rows of a question; raises UnknownName where the model lacks the task.

    Routed rows are answered over all labels of the model.
    """
    classes = manifest.task(question.task).classes if not question.routed else labels_of(manifest)
    rows = from_parquet(artifacts.get(question.rows), manifest.schema).labelled()
    if len(rows) == 0:
        return Answers(np.empty((0, len(classes)), np.float32), np.empty(0, np.int64))
    if not question.routed:
        return Answers(model.logits(rows, question.task), _places(rows.labels, classes))
    assert isinstance(model, GrowingNetwork), "only a network has a router"
    router = load_router(manifest, model.root_stem, artifacts.get)
    return Answers(routed_logits(model, router, manifest, rows), _places(rows.labels, classes))


def _places(labels: Column, classes: Sequence[Label]) -> npt.NDArray[Any]:
    place = {label: at for at, label in enumerate(classes)}
    return np.array([place.get(label, len(classes)) for label in labels], dtype=np.int64)
