"""Inference where a row does not say which head answers it: the router sends each row to one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.schema import Label
from growlearn.ingest.rows import Column, Rows, object_column
from growlearn.network.head_output import Logits, calibrate_logits, choose_classes, to_probabilities
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.router.router import Router

MASKED_LOGIT = -1e4
"""Logit of a class that the chosen head does not have."""
ClassIndices = npt.NDArray[Any]


def all_labels(manifest: Manifest) -> tuple[Label, ...]:
    """All labels of a model's tasks, in the order they first occur."""
    return tuple(dict.fromkeys(label for head in manifest.tasks for label in head.classes))


def shown_labels(manifest: Manifest) -> tuple[Label, ...]:
    """All labels as predictions show them: task by task, the oldest first, each where it first occurs.

    A task has its integers by value, then its texts alphabetically. Where tasks mix the two, all are text.
    """
    labels = all_labels(manifest)
    is_mixed = len(set(map(type, labels))) > 1
    return tuple(dict.fromkeys(map(str, labels))) if is_mixed else labels


def predict_task(network: GrowingNetwork, head: TaskHead, rows: Rows) -> tuple[Logits, ClassIndices]:
    """N rows -> calibrated logits [N, C] of a task's head, and the class it predicts for each row [N]."""
    logits = network.logits(rows, head.name)
    calibrated = calibrate_logits(logits, head.calibration)
    return calibrated, choose_classes(logits, to_probabilities(calibrated), head.threshold)


def route(router: Router, manifest: Manifest, rows: Rows) -> tuple[Column, Column]:
    """The head that answers each of N rows, object [N] of task names, and its probability, float64 [N].

    It is the most probable one of the task that a row names and its later versions, or else of all routable
    tasks. Rows must not name unknown tasks.
    """
    given_tasks = [None] * len(rows) if rows.tasks is None else rows.tasks.tolist()
    tasks, probability = object_column([None] * len(rows)), np.ones(len(rows))
    for name in dict.fromkeys(given_tasks):
        row_indices = np.array([index for index, given in enumerate(given_tasks) if given == name])
        candidates = manifest.routable_tasks if name is None else manifest.task_versions(name)
        if len(candidates) == 1:
            tasks[row_indices] = candidates[0]
            continue
        probabilities = router.probabilities(rows.take(row_indices), candidates).numpy()  # [n, tasks]
        tasks[row_indices] = object_column(candidates)[probabilities.argmax(1)]
        probability[row_indices] = probabilities.max(1)
    return tasks, probability


def predict_routed(
    network: GrowingNetwork, router: Router, manifest: Manifest, rows: Rows
) -> tuple[Logits, ClassIndices]:
    """The same for rows that are routed, over all K labels of a model: [N, K] and [N].

    Labels that a row's task does not have get MASKED_LOGIT.
    """
    column_index = {label: index for index, label in enumerate(all_labels(manifest))}
    tasks, _ = route(router, manifest, rows)
    out = np.full((len(rows), len(column_index)), MASKED_LOGIT, dtype=np.float32)
    classes = np.zeros(len(rows), dtype=np.int64)
    for name in dict.fromkeys(tasks):
        row_indices = np.flatnonzero(tasks == name)
        head = manifest.task(name)
        columns = np.array([column_index[label] for label in head.classes])
        logits, predicted = predict_task(network, head, rows.take(row_indices))
        out[np.ix_(row_indices, columns)] = logits
        classes[row_indices] = columns[predicted]
    return out, classes
