"""Proof to the last bit: that growing left every earlier task as it was, and that a version still is itself.

A task's probe are the first PROBE_ROWS of its reference rows. What a new version answers to the probes of all
its tasks is stored with it, so that whoever goes back to it later can ask it again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from growlearn.domain.lineage import Manifest
from growlearn.growth.model import weights
from growlearn.growth.model.network import GrowingNetwork, load_network
from growlearn.growth.router.router import load_router
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.ports import Artifacts

PROBE_ROWS = 64
_LOGITS, _ROUTING = "logits.", "routing."


def changed_tasks(
    before: GrowingNetwork, after: GrowingNetwork, probes: Mapping[str, Rows]
) -> tuple[str, ...]:
    """Tasks of `before` that `after` no longer answers bit for bit on their probe rows.

    Compares the weights (buffers included) of every earlier branch as stored bytes, then the logits
    of each earlier task on the first PROBE_ROWS of its probe.
    """
    damaged = [
        branch
        for branch in before.branches
        if branch not in after.branches or before.branch_weights(branch) != after.branch_weights(branch)
    ]
    return tuple(
        task
        for task, at in before.task_index.items()
        if any(branch in damaged for branch in before.lineages[at])
        or not _same_answers(before, after, task, _first(probes[task]))
    )


def _first(rows: Rows) -> Rows:
    return rows.take(np.arange(len(rows))[:PROBE_ROWS])


def _same_answers(before: GrowingNetwork, after: GrowingNetwork, task: str, probe: Rows) -> bool:
    return task in after.task_index and np.array_equal(before.logits(probe, task), after.logits(probe, task))


def keep_answers(manifest: Manifest, references: Mapping[str, str], artifacts: Artifacts) -> str:
    """Store what a model answers to the probes of its tasks; returns the sha256.

    references are the stored rows of each task, by its name.
    """
    probes = {task: from_parquet(artifacts.get(rows), manifest.schema) for task, rows in references.items()}
    return artifacts.put(weights.dump(probe_answers(manifest, artifacts.get, probes)))


def probe_answers(
    manifest: Manifest, read: Callable[[str], bytes], probes: Mapping[str, Rows]
) -> dict[str, Tensor]:
    """Logits [n, C] of each task on its probe, and the router's scores [n, K] of the same rows."""
    network = load_network(manifest, read)
    asked = {task: _first(rows) for task, rows in probes.items()}
    logits = {_LOGITS + task: torch.from_numpy(network.logits(rows, task)) for task, rows in asked.items()}
    if manifest.router is None:
        return logits
    router = load_router(manifest, network.root_stem, read)
    return logits | {_ROUTING + task: router.scores(rows) for task, rows in asked.items()}


def answers_apart(answers: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> dict[str, float]:
    """Largest absolute difference by task, of those whose answers are not the stored ones to the last bit.

    Infinite where one of the two is missing, of another shape, or no number.
    """
    apart: dict[str, float] = {}
    for name in {**answers, **stored}:
        found = difference(answers.get(name), stored.get(name))
        if found is not None:
            task = task_of_answer(name)
            apart[task] = max(found, apart.get(task, 0.0))
    return apart


def task_of_answer(name: str) -> str:
    """The task whose probe an answer is to.

    >>> task_of_answer("logits.0.5 mm"), task_of_answer("routing.a")
    ('0.5 mm', 'a')
    """
    return name.partition(".")[2]


def difference(one: Tensor | None, other: Tensor | None) -> float | None:
    """Largest absolute difference of two tensors; None where they are equal to the last bit.

    Infinite where one is missing, of another shape or type, or where a number meets what is none.

    >>> difference(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]))
    0.5
    """
    if one is None or other is None or one.shape != other.shape or one.dtype != other.dtype:
        return math.inf
    if one.numpy().tobytes() == other.numpy().tobytes():
        return None
    largest = (one.double() - other.double()).abs().max().item()
    return largest if math.isfinite(largest) else math.inf
