"""Inference without task names: the router sends each row to one of the heads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label
from growlearn.ingest.rows import Rows
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.router.router import Router

MASKED_LOGIT = -1e4
"""Logit of a class that the chosen head does not have."""


def all_labels(manifest: Manifest) -> tuple[Label, ...]:
    """All labels of a model's tasks, in the order they first occur."""
    return tuple(dict.fromkeys(label for head in manifest.tasks for label in head.classes))


def routed_logits(
    network: GrowingNetwork, router: Router, manifest: Manifest, rows: Rows
) -> npt.NDArray[np.float32]:
    """N rows -> logits [N, K] over all K labels of a model; other tasks' labels get MASKED_LOGIT."""
    column_index = {label: index for index, label in enumerate(all_labels(manifest))}
    names = manifest.routable_tasks
    chosen = np.zeros(len(rows), dtype=np.int64)
    if len(names) > 1:
        chosen = router.probabilities(rows, names).argmax(1).numpy()
    out = np.full((len(rows), len(column_index)), MASKED_LOGIT, dtype=np.float32)
    for index in np.unique(chosen):
        row_indices = np.flatnonzero(chosen == index)
        columns = np.array([column_index[label] for label in manifest.task(names[index]).classes])
        out[np.ix_(row_indices, columns)] = network.logits(rows.take(row_indices), names[index])
    return out
