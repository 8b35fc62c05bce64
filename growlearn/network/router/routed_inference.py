"""Inference without task names: the router sends each row to one of the heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.schema import Label
from growlearn.ingest.rows import Rows
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


def predict_routed(
    network: GrowingNetwork, router: Router, manifest: Manifest, rows: Rows
) -> tuple[Logits, ClassIndices]:
    """The same for rows without a task, over all K labels of a model: [N, K] and [N].

    Labels that a row's task does not have get MASKED_LOGIT.
    """
    column_index = {label: index for index, label in enumerate(all_labels(manifest))}
    names = manifest.routable_tasks
    chosen = np.zeros(len(rows), dtype=np.int64)
    if len(names) > 1:
        chosen = router.probabilities(rows, names).argmax(1).numpy()
    out = np.full((len(rows), len(column_index)), MASKED_LOGIT, dtype=np.float32)
    classes = np.zeros(len(rows), dtype=np.int64)
    for index in np.unique(chosen):
        row_indices = np.flatnonzero(chosen == index)
        head = manifest.task(names[index])
        columns = np.array([column_index[label] for label in head.classes])
        logits, predicted = predict_task(network, head, rows.take(row_indices))
        out[np.ix_(row_indices, columns)] = logits
        classes[row_indices] = columns[predicted]
    return out, classes
