"""Predictions of a model for an evaluation request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label
from growlearn.evaluation.predictions import Predictions, make_predictions
from growlearn.ingest.rows import Column
from growlearn.network.model_cache import ModelCache
from growlearn.network.router.routed_inference import all_labels, predict_routed, predict_task
from growlearn.ports import EvalRequest


def predict_labelled_rows(manifest: Manifest, request: EvalRequest, models: ModelCache) -> Predictions:
    """Calibrated logits and predicted classes for the labelled rows of a request.

    Raises NotFound where the model lacks the task. Routed rows are answered over all labels of the model.
    """
    classes = manifest.task(request.task).classes if not request.routed else all_labels(manifest)
    rows = models.rows(request.rows, manifest.schema).select_labelled()
    if len(rows) == 0:
        return Predictions(np.empty((0, len(classes)), np.float32), np.empty(0, np.int64))
    network, targets = models.network(manifest), class_indices(rows.labels, classes)
    if request.routed:
        return make_predictions(*predict_routed(network, models.router(manifest), manifest, rows), targets)
    return make_predictions(*predict_task(network, manifest.task(request.task), rows), targets)


def class_indices(labels: Column, classes: Sequence[Label]) -> npt.NDArray[Any]:
    """The index of each label [N] among C classes, int64 [N]; C for one that is none of them."""
    index_by_label = {label: index for index, label in enumerate(classes)}
    return np.array([index_by_label.get(label, len(classes)) for label in labels], dtype=np.int64)
