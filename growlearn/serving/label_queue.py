"""How much each unlabelled row is worth a label."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from growlearn.ingest.rows import Column, Rows, object_column
from growlearn.serving.known_tasks import find_unknown_task_rows
from growlearn.serving.predictor import Predictor

_CHUNK_ROWS = 2048


class QueueReason(StrEnum):
    """What makes a row worth a label."""

    UNSURE = "unsure"  # the head is, more than the router
    BETWEEN_TASKS = "between tasks"  # the router is, more than the head
    NEW_TASK = "new task"  # it names a task that the model has not learned, or there is no model yet
    RANDOM = "random"  # it was drawn


@dataclass(frozen=True, eq=False)
class RatedRows:
    """What a model says of N rows, None and NaN where it cannot answer, and why each is worth a label.

    `probability` (float64 [N]) is that of the prediction, times that of the task where the row was routed:
    the smaller, the more a label tells (least confidence, Lewis and Gale 1994). `prediction`, `task` and
    `reason` are object [N].
    """

    prediction: Column
    probability: Column
    task: Column
    reason: Column

    def order(self) -> Column:
        """Indices of the rows, the most worthwhile first; equals in their order."""
        return np.argsort(np.nan_to_num(self.probability, nan=-1.0), kind="stable")


def rate_rows(predictor: Predictor | None, rows: Rows) -> RatedRows:
    """Rate N rows by a model, or without one."""
    count = len(rows)
    rated = RatedRows(
        object_column([None] * count),
        np.full(count, np.nan),
        object_column([None] * count),
        object_column([QueueReason.NEW_TASK] * count),
    )
    if predictor is None:
        return rated
    column_index = {label: index for index, label in enumerate(predictor.labels)}
    known = np.setdiff1d(np.arange(count), list(find_unknown_task_rows(rows, predictor.manifest)))
    for start in range(0, len(known), _CHUNK_ROWS):
        indices = known[start : start + _CHUNK_ROWS]
        answers = predictor.answer(rows.take(indices), proba=True)
        rated.prediction[indices] = answers.prediction
        rated.probability[indices] = answers.probability
        rated.task[indices] = answers.task
        columns = [column_index[str(label)] for label in answers.prediction]
        of_label = answers.class_probabilities[np.arange(len(indices)), columns]
        of_task = answers.probability / np.maximum(of_label, np.finfo(float).tiny)
        is_between = of_task < of_label
        rated.reason[indices[is_between]] = QueueReason.BETWEEN_TASKS
        rated.reason[indices[~is_between]] = QueueReason.UNSURE
    return rated
