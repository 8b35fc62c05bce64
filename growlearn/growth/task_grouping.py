"""Groups of tasks that share a branch: one whose features separate each task's classes well.

A linear probe scores every task on the features of every branch. Branches are selected greedily to maximise
the sum of each task's best score (facility location, Nemhauser et al. 1978), and every task is assigned to
the best selected branch that has room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from growlearn.domain.lineage import TaskHead
from growlearn.growth.parent_selection import loo_ridge_accuracy
from growlearn.ingest.rows import Rows
from growlearn.network.model.network import GrowingNetwork

GROUPING_ROWS = 256

ScoreMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TaskGroup:
    """Tasks that will share a branch, and the branch that it is copied from."""

    branch: str
    tasks: tuple[str, ...]


def group_tasks(
    network: GrowingNetwork, tasks: Sequence[TaskHead], rows: Mapping[str, Rows], max_groups: int
) -> tuple[TaskGroup, ...]:
    """Divide the tasks into at most `max_groups` groups of about equal size, scored on training rows."""
    branches = tuple(dict.fromkeys(task.lineage[-1] for task in tasks))
    scores = np.array([_score_branches(network, task, rows[task.name], branches) for task in tasks])  # [T, K]
    selected = greedy_cover(scores, max_groups)
    members = balanced_assignment(scores[:, selected])
    return tuple(
        TaskGroup(
            branches[column],
            tuple(task.name for task, group_index in zip(tasks, members, strict=True) if group_index == i),
        )
        for i, column in enumerate(selected)
        if i in members
    )


def greedy_cover(scores: ScoreMatrix, max_columns: int) -> list[int]:
    """Columns that together have the highest sum of row maxima, chosen greedily.

    >>> greedy_cover(np.array([[0.9, 0.5, 0.8], [0.5, 0.9, 0.8], [0.9, 0.5, 0.6]]), 2)
    [0, 1]
    """
    selected: list[int] = []
    for _ in range(min(max_columns, scores.shape[1])):
        remaining = [column for column in range(scores.shape[1]) if column not in selected]
        coverage = [scores[:, [*selected, column]].max(1).sum() for column in remaining]
        selected.append(remaining[int(np.argmax(coverage))])
    return selected


def balanced_assignment(scores: ScoreMatrix) -> list[int]:
    """A column for each row, each used by about as many rows; rows with the largest margins choose first.

    >>> balanced_assignment(np.array([[0.9, 0.5], [0.9, 0.8], [0.7, 0.2], [0.9, 0.1]]))
    [1, 1, 0, 0]
    """
    tasks, columns = scores.shape
    capacity = [math.ceil(tasks / columns)] * columns
    assigned = [-1] * tasks
    margins = scores - np.array(
        [[np.delete(row, excluded).max(initial=0.0) for excluded in range(columns)] for row in scores]
    )
    for cell in np.argsort(-margins, axis=None, kind="stable"):
        task, column = divmod(int(cell), columns)
        if assigned[task] < 0 and capacity[column]:
            assigned[task] = column
            capacity[column] -= 1
    return assigned


def _score_branches(
    network: GrowingNetwork, task: TaskHead, rows: Rows, branches: Sequence[str]
) -> list[float]:
    sample = rows.take(np.sort(np.random.default_rng(0).permutation(len(rows))[:GROUPING_ROWS]))
    class_index = {label: i for i, label in enumerate(task.classes)}
    targets: npt.NDArray[np.int64] = np.array([class_index[label] for label in sample.labels], dtype=np.int64)
    with torch.no_grad():
        tokens = network.tokens(sample, branches)  # [n, T, D] a stem
        residuals = network.residuals(tokens, branches)  # [n, D] a branch
        pooled = {stem_id: z.mean(1) for stem_id, z in tokens.items()}
    return [
        loo_ridge_accuracy(
            torch.stack([pooled[network.stem_ids[branch]], residual], dim=1).cpu().numpy(), targets
        )
        for branch, residual in zip(branches, residuals, strict=True)
    ]
