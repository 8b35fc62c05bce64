"""A model asked a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label
from growlearn.evaluation.answers import Answers
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
