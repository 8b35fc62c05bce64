"""How a version is scored on each task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from growlearn.domain.evaluation import TaskScore
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label


@dataclass(frozen=True, kw_only=True)
class EvalRequest:
    """One task's stored rows (sha256 of Parquet) on which a model is evaluated.

    Where they are `routed` the model's router chooses the head of each row, among those that may answer it
    when it is served. `positive_class` is the class that a two-class metric is about; None: that of the
    task's head.
    """

    task: str
    rows: str
    routed: bool = False
    positive_class: Label | None = None


class Evaluator(Protocol):
    """Counts a model's correct predictions, task by task, and stores the logits."""

    def evaluate(self, manifest: Manifest, requests: Sequence[EvalRequest]) -> Sequence[TaskScore]:
        """One score a request, in order."""
        ...
