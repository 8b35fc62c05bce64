"""The parent and the initialisation of a new branch, chosen by a linear probe on a few rows.

Each candidate is scored by leave-one-out ridge regression (closed form) on the pooled features that it would
start with. Where the model has many tasks, a smaller sample first selects a shortlist, so the n-th growth
costs no more than the second.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from growlearn.domain.growth import BranchInit, ProbeScore
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.growth.branch_init import clone_pair, init_pair
from growlearn.ingest.rows import Rows
from growlearn.network.model.network import GrowingNetwork

PROBE_ROWS = 256
SCREEN_ROWS = 64
SHORTLIST_SIZE = 3  # tasks scored on PROBE_ROWS
_RIDGE_STRENGTH = 1.0  # on standardised features, one per row of the fit

ClassIndices = npt.NDArray[np.int64]


def score_parents(
    network: GrowingNetwork,
    parent_manifest: Manifest,
    rows: Rows,
    targets: ClassIndices,
    max_lineage_length: int,
) -> tuple[ProbeScore, ...]:
    """Score the stem alone, a new stem, and each shortlisted task as a frozen or a copied parent.

    `rows` [N] are training rows of the new task, `targets` [N] their class indices. A frozen parent's lineage
    must be shorter than `max_lineage_length`. Sorted best first; among equals the shorter lineage, then the
    older task, then residual, warm start, scratch.
    """
    tasks = _shortlist(network, parent_manifest.tasks, rows, targets)
    sample = _subsample_indices(len(rows), PROBE_ROWS)
    rows, targets = rows.take(sample), targets[sample]
    scores = [_make_parent_score(None, (), BranchInit.RESIDUAL, network.pooled_features(rows, ()), targets)]
    for task in tasks:
        if len(task.lineage) < max_lineage_length:
            pooled = network.pooled_features(rows, task.lineage)  # [n, 1 + k, D]
            scores.append(_make_parent_score(task.name, task.lineage, BranchInit.RESIDUAL, pooled, targets))
        pair = clone_pair(network, task.lineage[-1], rows)
        scores.append(
            _make_parent_score(task.name, (), BranchInit.WARM_START, pair.pooled_features(rows), targets)
        )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pair = init_pair(parent_manifest.schema, parent_manifest.model, rows)
    scores.append(_make_parent_score(None, (), BranchInit.SCRATCH, pair.pooled_features(rows), targets))
    return tuple(sorted(scores, key=lambda score: (-score.accuracy, len(score.lineage))))


def select_init(scores: Sequence[ProbeScore], init: str) -> ProbeScore:
    """The best-scored start with the initialisation that the job names; "auto": warm start or scratch.

    "auto" excludes a frozen stem: its features stay as the probe scored them, while training improves the
    others' (measured in docs/adr/0008).
    """
    inits = (BranchInit.WARM_START, BranchInit.SCRATCH) if init == "auto" else (BranchInit(init),)
    return next(score for score in scores if score.init in inits)


def _shortlist(
    network: GrowingNetwork, tasks: Sequence[TaskHead], rows: Rows, targets: ClassIndices
) -> Sequence[TaskHead]:
    """The tasks whose last branch separates the classes best on SCREEN_ROWS rows."""
    if len(tasks) <= SHORTLIST_SIZE:
        return tasks
    sample = _subsample_indices(len(rows), SCREEN_ROWS)
    rows, targets = rows.take(sample), targets[sample]
    accuracies = {
        task.name: loo_ridge_accuracy(network.pooled_features(rows, task.lineage[-1:]), targets)
        for task in tasks
    }
    return sorted(tasks, key=lambda task: -accuracies[task.name])[:SHORTLIST_SIZE]


def _make_parent_score(
    task: str | None,
    lineage: tuple[str, ...],
    init: BranchInit,
    features: npt.NDArray[np.float32],
    targets: ClassIndices,
) -> ProbeScore:
    return ProbeScore(
        task=task,
        lineage=lineage,
        init=init,
        accuracy=loo_ridge_accuracy(features, targets),
        rows=len(targets),
    )


def _subsample_indices(rows: int, max_rows: int) -> npt.NDArray[np.int64]:
    """At most `max_rows` random indices, the same in every call."""
    return np.sort(np.random.default_rng(0).permutation(rows)[:max_rows])


def loo_ridge_accuracy(features: npt.NDArray[np.float32], targets: ClassIndices) -> float:
    """Leave-one-out accuracy of ridge regression on one-hot targets.

    In closed form, without one fit per row: with A = Z Z' + r I, the prediction for row i from all others is
    y_i - (A^-1 Y)_i / (A^-1)_ii (Rasmussen and Williams, "Gaussian Processes for Machine
    Learning", 2006, 5.12).
    """
    flat = features.reshape(len(features), -1).astype(np.float64)  # [n, (1 + k) * D]
    standardized = (flat - flat.mean(0)) / (flat.std(0) + 1e-8)
    gram = standardized @ standardized.T + 1.0  # [n, n]; + 1 is the intercept
    inverse = np.linalg.inv(gram + _RIDGE_STRENGTH * len(flat) / 100 * np.eye(len(flat)))
    one_hot = np.eye(int(targets.max()) + 1)[targets]  # [n, C]
    predictions = one_hot - inverse @ one_hot / np.diag(inverse)[:, None]
    return float((predictions.argmax(1) == targets).mean())
