"""Proof that growing left every earlier task as it was: equal to the last bit, or named."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from growlearn.growth.model.network import GrowingNetwork
from growlearn.ingest.rows import Rows

PROBE_ROWS = 64


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
        or not _same_answers(
            before, after, task, probes[task].take(np.arange(len(probes[task]))[:PROBE_ROWS])
        )
    )


def _same_answers(before: GrowingNetwork, after: GrowingNetwork, task: str, probe: Rows) -> bool:
    return task in after.task_index and np.array_equal(before.logits(probe, task), after.logits(probe, task))
