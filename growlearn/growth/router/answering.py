"""Answers of a model that is not told the task: the router sends each row to one of the heads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.router.router import Router
from growlearn.ingest.rows import Rows

UNASKED = -1e4
"""Logit of a class that the answering head does not have."""


def labels_of(manifest: Manifest) -> tuple[Label, ...]:
    """Every label that some task of a model has, in the order they were met."""
    return tuple(dict.fromkeys(label for head in manifest.tasks for label in head.classes))


def routed_logits(
    network: GrowingNetwork, router: Router, manifest: Manifest, rows: Rows
) -> npt.NDArray[np.float32]:
    """N rows -> logits [N, K] over all K labels of a model; those of the task that a row is sent to count."""
    place = {label: at for at, label in enumerate(labels_of(manifest))}
    names = manifest.active
    chosen = np.zeros(len(rows), dtype=np.int64)
    if len(names) > 1:
        chosen = router.probabilities(rows, names).argmax(1).numpy()
    out = np.full((len(rows), len(place)), UNASKED, dtype=np.float32)
    for at in np.unique(chosen):
        mine = np.flatnonzero(chosen == at)
        columns = np.array([place[label] for label in manifest.task(names[at]).classes])
        out[np.ix_(mine, columns)] = network.logits(rows.take(mine), names[at])
    return out
