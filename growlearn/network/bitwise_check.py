"""Bitwise checks: growth changed no earlier task, and a stored version still computes the same logits.

A task's check rows are the first CHECK_ROWS of its reference rows. The logits of a new version on the check
rows of all its tasks are stored with it, so a later load of the version can be compared with them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from growlearn.domain.lineage import Manifest
from growlearn.ingest.rows import Rows
from growlearn.network.model import weights
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.model_cache import ModelCache

CHECK_ROWS = 64
CROSS_DEVICE_TOLERANCE = 1e-4
"""Largest difference of a logit that another device than the recorded one may make."""
_LOGITS_PREFIX, _ROUTING_PREFIX = "logits.", "routing."


def find_changed_tasks(
    before: GrowingNetwork, after: GrowingNetwork, reference_rows: Mapping[str, Rows]
) -> tuple[str, ...]:
    """Tasks with reference rows whose logits in `before` the network `after` does not reproduce bit for bit.

    Compares the weights (buffers included) of every earlier branch as stored bytes, then the logits
    of each earlier task on its check rows.
    """
    changed_branches = [
        branch
        for branch in before.branches
        if branch not in after.branches or before.dump_branch(branch) != after.dump_branch(branch)
    ]
    return tuple(
        task
        for task, index in before.task_index.items()
        if task in reference_rows
        and (
            any(branch in changed_branches for branch in before.lineages[index])
            or not _same_logits(before, after, task, _take_check_rows(reference_rows[task]))
        )
    )


def _take_check_rows(rows: Rows) -> Rows:
    return rows.take(np.arange(len(rows))[:CHECK_ROWS])


def _same_logits(before: GrowingNetwork, after: GrowingNetwork, task: str, rows: Rows) -> bool:
    return task in after.task_index and np.array_equal(before.logits(rows, task), after.logits(rows, task))


def store_check_logits(manifest: Manifest, references: Mapping[str, str], models: ModelCache) -> str:
    """Store the logits of a model on the check rows of its tasks; returns the sha256.

    `references` are the stored rows (sha256) of each task, by its name.
    """
    rows = {task: models.rows(sha256, manifest.schema) for task, sha256 in references.items()}
    return models.artifacts.put(weights.dump_weights(compute_check_logits(manifest, rows, models)))


def compute_check_logits(
    manifest: Manifest, reference_rows: Mapping[str, Rows], models: ModelCache
) -> dict[str, Tensor]:
    """Logits [n, C] of each task on its check rows, and the router's scores [n, K] of the same rows."""
    network = models.network(manifest)
    check_rows = {task: _take_check_rows(rows) for task, rows in reference_rows.items()}
    logits = {
        _LOGITS_PREFIX + task: torch.from_numpy(network.logits(rows, task))
        for task, rows in check_rows.items()
    }
    if manifest.router is None:
        return logits
    router = models.router(manifest)
    return logits | {_ROUTING_PREFIX + task: router.scores(rows).cpu() for task, rows in check_rows.items()}


def max_differences(computed: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> dict[str, float]:
    """Largest absolute difference by task, for tasks whose logits are not bit-equal to the stored ones.

    Infinite where one of the two is missing, has another shape, or is not a number.
    """
    differences: dict[str, float] = {}
    for name in {**computed, **stored}:
        gap = max_abs_difference(computed.get(name), stored.get(name))
        if gap is not None:
            task = parse_task_name(name)
            differences[task] = max(gap, differences.get(task, 0.0))
    return differences


def parse_task_name(name: str) -> str:
    """The task in the name of a check tensor.

    >>> parse_task_name("logits.0.5 mm"), parse_task_name("routing.a")
    ('0.5 mm', 'a')
    """
    return name.partition(".")[2]


def max_abs_difference(first: Tensor | None, second: Tensor | None) -> float | None:
    """Largest absolute difference of two tensors; None where they are bit-equal.

    Infinite where one is missing, has another shape or dtype, or where only one is not a number.

    >>> max_abs_difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]))
    0.5
    """
    if first is None or second is None or first.shape != second.shape or first.dtype != second.dtype:
        return math.inf
    if first.numpy().tobytes() == second.numpy().tobytes():
        return None
    largest = (first.double() - second.double()).abs().max().item()
    return largest if math.isfinite(largest) else math.inf
