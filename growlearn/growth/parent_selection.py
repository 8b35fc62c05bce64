"""The parent and the initialisation of a new branch, chosen by a linear probe on a few rows.

Each candidate is scored by leave-one-out ridge regression (closed form) on the pooled features that it would
start with. Where the model has many tasks, a smaller sample first selects a shortlist, so the n-th growth
costs no more than the second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from growlearn.domain.growth import BranchInit, ProbeScore
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.domain.metric import ACCURACY, Metric
from growlearn.domain.schema import Label
from growlearn.growth.branch_init import clone_pair, init_pair
from growlearn.growth.calibration import calibrate_head
from growlearn.ingest.rows import Rows
from growlearn.network.model.network import GrowingNetwork

PROBE_ROWS = 256
SCREEN_ROWS = 64
SHORTLIST_SIZE = 3  # tasks scored on PROBE_ROWS
_MIN_SHARED_CLASSES = 2  # that a known answer tells apart
_RIDGE_STRENGTH = 1.0  # on standardised features, one per row of the fit

ClassIndices = npt.NDArray[np.int64]


def score_parents(
    network: GrowingNetwork,
    parent_manifest: Manifest,
    rows: Rows,
    targets: ClassIndices,
    max_lineage_length: int,
    metric: Metric = ACCURACY,
    positive: int | None = None,
) -> tuple[ProbeScore, ...]:
    """Score the stem alone, a new stem, and each shortlisted task as a frozen or a copied parent.

    `rows` [N] are training rows of the new task, `targets` [N] their class indices. A frozen parent's lineage
    must be shorter than `max_lineage_length`. Sorted best first by the metric, `positive` being the index of
    the positive class; among equals the shorter lineage, then the older task, then residual, warm start,
    scratch. For a metric other than accuracy the probe's rows hold as many of each class as there are, up to
    equal parts: a few random rows might hold none of a rare one.
    """
    tasks = _shortlist(network, parent_manifest.tasks, rows, targets)
    sample = (
        _subsample_indices(len(rows), PROBE_ROWS)
        if metric.is_accuracy
        else _subsample_by_class(targets, PROBE_ROWS)
    )
    rows, targets = rows.take(sample), targets[sample]
    make_score = partial(_make_parent_score, targets, metric, positive)
    scores = [make_score(None, (), BranchInit.RESIDUAL, network.pooled_features(rows, ()))]
    for task in tasks:
        if len(task.lineage) < max_lineage_length:
            pooled = network.pooled_features(rows, task.lineage)  # [n, 1 + k, D]
            scores.append(make_score(task.name, task.lineage, BranchInit.RESIDUAL, pooled))
        pair = clone_pair(network, task.lineage[-1], rows)
        scores.append(make_score(task.name, (), BranchInit.WARM_START, pair.pooled_features(rows)))
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        pair = init_pair(parent_manifest.schema, parent_manifest.model, rows, network.device)
    scores.append(make_score(None, (), BranchInit.SCRATCH, pair.pooled_features(rows)))
    return tuple(sorted(scores, key=lambda score: (-score.merit(metric.name), len(score.lineage))))


def select_init(scores: Sequence[ProbeScore], init: str) -> ProbeScore:
    """The best-scored start with the initialisation that the job names; "auto": warm start or scratch.

    "auto" excludes a frozen stem: its features stay as the probe scored them, while training improves the
    others' (measured in docs/adr/0008).
    """
    inits = (BranchInit.WARM_START, BranchInit.SCRATCH) if init == "auto" else (BranchInit(init),)
    return next(score for score in scores if score.init in inits)


def select_base_task(
    manifest: Manifest,
    task: str,
    scores: Sequence[ProbeScore],
    rows: Rows,
    classes: Sequence[Label],
    load_network: Callable[[Manifest], GrowingNetwork],
) -> str | None:
    """The known task whose answer a new branch may correct: of those probed, the one most often right.

    It must share two classes with the new task; None where none does. A task that is known already corrects
    its own answer.
    """
    if any(head.name == task for head in manifest.tasks):
        return task
    probed = {score.task for score in scores}
    known = [
        head
        for head in manifest.tasks
        if head.name in probed and len(set(head.classes) & set(classes)) >= _MIN_SHARED_CLASSES
    ]
    if not known:
        return None
    network, sample = load_network(manifest), rows.take(_subsample_indices(len(rows), PROBE_ROWS))

    def accuracy(head: TaskHead) -> float:
        predicted = network.logits(sample, head.name).argmax(1)
        return float(
            np.mean([head.classes[p] == label for p, label in zip(predicted, sample.labels, strict=True)])
        )

    return max(known, key=accuracy).name  # of equals the oldest


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
    targets: ClassIndices,
    metric: Metric,
    positive: int | None,
    task: str | None,
    lineage: tuple[str, ...],
    init: BranchInit,
    features: npt.NDArray[np.float32],
) -> ProbeScore:
    predictions = loo_ridge_predictions(features, targets)
    value = None
    if not metric.is_accuracy:  # read as logits, with a temperature of their own
        value = calibrate_head(predictions.astype(np.float32), targets, metric, (), positive).value
    return ProbeScore(
        task=task,
        lineage=lineage,
        init=init,
        accuracy=float((predictions.argmax(1) == targets).mean()),
        rows=len(targets),
        value=value,
    )


def _subsample_indices(rows: int, max_rows: int) -> npt.NDArray[np.int64]:
    """At most `max_rows` random indices, the same in every call."""
    return np.sort(np.random.default_rng(0).permutation(rows)[:max_rows])


def _subsample_by_class(targets: ClassIndices, max_rows: int) -> npt.NDArray[np.int64]:
    """At most `max_rows` indices, the same in every call: equal parts of each class, then any other rows."""
    order = np.random.default_rng(0).permutation(len(targets))
    classes = np.unique(targets)
    ranks = np.empty(len(targets), dtype=np.int64)  # of each row in `order` among those of its class
    for label in classes:
        own = targets[order] == label
        ranks[own] = np.arange(own.sum())
    is_later = ranks >= max_rows // len(classes)
    return np.sort(order[np.argsort(is_later, kind="stable")][:max_rows])


def loo_ridge_accuracy(features: npt.NDArray[np.float32], targets: ClassIndices) -> float:
    """Leave-one-out accuracy of ridge regression on one-hot targets."""
    return float((loo_ridge_predictions(features, targets).argmax(1) == targets).mean())


def loo_ridge_predictions(
    features: npt.NDArray[np.float32], targets: ClassIndices
) -> npt.NDArray[np.float64]:
    """Leave-one-out predictions [n, C] of ridge regression on one-hot targets.

    In closed form, without one fit per row: with A = Z Z' + r I, the prediction for row i from all others is
    y_i - (A^-1 Y)_i / (A^-1)_ii (Rasmussen and Williams, "Gaussian Processes for Machine
    Learning", 2006, 5.12).
    """
    flat = features.reshape(len(features), -1).astype(np.float64)  # [n, (1 + k) * D]
    standardized = (flat - flat.mean(0)) / (flat.std(0) + 1e-8)
    gram = standardized @ standardized.T + 1.0  # [n, n]; + 1 is the intercept
    inverse = np.linalg.inv(gram + _RIDGE_STRENGTH * len(flat) / 100 * np.eye(len(flat)))
    one_hot = np.eye(int(targets.max()) + 1)[targets]  # [n, C]
    return np.asarray(one_hot - inverse @ one_hot / np.diag(inverse)[:, None])
