"""Which tasks may share a branch: those that one branch's features tell apart about as well as their own do.

A probe scores every task on the features of every branch; a few branches are then picked one after the
other so that the sum of each task's best score is highest (greedy facility location, Nemhauser et al.
1978), and every task goes to the best of them that has room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from growlearn.domain.lineage import TaskHead
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.parents import probe
from growlearn.ingest.rows import Rows

PROBE_ROWS = 256

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Circle:
    """Tasks that will share a branch, and the branch that it starts as a copy of."""

    branch: str
    tasks: tuple[str, ...]


def circles_of(
    network: GrowingNetwork, tasks: Sequence[TaskHead], rows: Mapping[str, Rows], most: int
) -> tuple[Circle, ...]:
    """Sort the tasks into at most so many circles of about equal size, by their training rows."""
    branches = tuple(dict.fromkeys(task.lineage[-1] for task in tasks))
    scores = np.array([_scores(network, task, rows[task.name], branches) for task in tasks])  # [T, K]
    picked = pick(scores, most)
    members = assign(scores[:, picked])
    return tuple(
        Circle(branches[column], tuple(task.name for task, at in zip(tasks, members, strict=True) if at == i))
        for i, column in enumerate(picked)
        if i in members
    )


def pick(scores: Matrix, most: int) -> list[int]:
    """Columns that together serve all rows best, the most useful first.

    >>> pick(np.array([[0.9, 0.5, 0.8], [0.5, 0.9, 0.8], [0.9, 0.5, 0.6]]), 2)
    [0, 1]
    """
    picked: list[int] = []
    for _ in range(min(most, scores.shape[1])):
        left = [column for column in range(scores.shape[1]) if column not in picked]
        served = [scores[:, [*picked, column]].max(1).sum() for column in left]
        picked.append(left[int(np.argmax(served))])
    return picked


def assign(scores: Matrix) -> list[int]:
    """A column for each row, none taken by more than its share of rows; the clearest choices first.

    >>> assign(np.array([[0.9, 0.5], [0.9, 0.8], [0.7, 0.2], [0.9, 0.1]]))
    [1, 1, 0, 0]
    """
    tasks, columns = scores.shape
    room = [math.ceil(tasks / columns)] * columns
    taken = [-1] * tasks
    lead = scores - np.array(
        [[np.delete(row, at).max(initial=0.0) for at in range(columns)] for row in scores]
    )
    for place in np.argsort(-lead, axis=None, kind="stable"):
        task, column = divmod(int(place), columns)
        if taken[task] < 0 and room[column]:
            taken[task] = column
            room[column] -= 1
    return taken


def _scores(network: GrowingNetwork, task: TaskHead, rows: Rows, branches: Sequence[str]) -> list[float]:
    few = rows.take(np.sort(np.random.default_rng(0).permutation(len(rows))[:PROBE_ROWS]))
    place = {label: i for i, label in enumerate(task.classes)}
    targets: npt.NDArray[np.int64] = np.array([place[label] for label in few.labels], dtype=np.int64)
    with torch.no_grad():
        tokens = network.tokens(few, branches)  # [n, T, D] a stem
        residuals = network.residuals(tokens, branches)  # [n, D] a branch
        pooled = {owner: z.mean(1) for owner, z in tokens.items()}
    return [
        probe(torch.stack([pooled[network.stem_of[branch]], residual], dim=1).numpy(), targets)
        for branch, residual in zip(branches, residuals, strict=True)
    ]
