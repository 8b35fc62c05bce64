"""From whom a new branch grows: a cheap probe of every lineage on a few rows.

Each candidate is scored by ridge regression (closed form) on its frozen pooled features, fitted on
one half of a subsample and scored on the other. A bounded number of parents keeps the n-th growth
as cheap as the second.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from growlearn.domain.growth import ParentScore
from growlearn.domain.lineage import TaskHead
from growlearn.growth.model.network import GrowingNetwork
from growlearn.ingest.rows import Rows

PROBE_ROWS = 512
_RIDGE = 1.0  # on standardised features, one per row of the fit

Matrix = npt.NDArray[np.float64]


def score_parents(
    network: GrowingNetwork,
    tasks: Sequence[TaskHead],
    rows: Rows,
    targets: npt.NDArray[np.int64],
    max_parents: int,
) -> tuple[ParentScore, ...]:
    """Score the bare stem and the lineage of every task that leaves room for one more branch.

    rows [N] are training rows of the new task, targets [N] their class indices. Best first; among
    equals the shorter lineage, then the older task.
    """
    few = _subsample(len(rows))
    rows, targets = rows.take(few), targets[few]
    branches = tuple(dict.fromkeys(b for task in tasks for b in task.lineage))
    pooled = network.pooled(rows, branches).astype(np.float64)  # [n, 1 + K, D]
    column = {branch: 1 + i for i, branch in enumerate(branches)}
    candidates: list[tuple[str | None, tuple[str, ...]]] = [(None, ())]
    candidates += [(task.name, task.lineage) for task in tasks if len(task.lineage) <= max_parents]
    scores = [
        ParentScore(
            task=task,
            lineage=lineage,
            accuracy=_probe(pooled[:, [0, *(column[b] for b in lineage)]], targets),
        )
        for task, lineage in candidates
    ]
    return tuple(sorted(scores, key=lambda score: (-score.accuracy, len(score.lineage))))


def _subsample(rows: int) -> npt.NDArray[np.int64]:
    """At most PROBE_ROWS indices, the same ones every time."""
    return np.sort(np.random.default_rng(0).permutation(rows)[:PROBE_ROWS])


def _probe(features: npt.NDArray[np.float64], targets: npt.NDArray[np.int64]) -> float:
    """Accuracy of ridge regression on one-hot targets: fitted on even rows, scored on odd ones."""
    flat = features.reshape(len(features), -1)  # [n, (1 + k) * D]
    fit, score = flat[0::2], flat[1::2]
    mean, spread = fit.mean(0), fit.std(0) + 1e-8
    fit, score = _with_one((fit - mean) / spread), _with_one((score - mean) / spread)
    answers = np.eye(int(targets.max()) + 1)[targets[0::2]]  # [n/2, C]
    gram = fit.T @ fit + _RIDGE * len(fit) / 100 * np.eye(fit.shape[1])
    guesses = (score @ np.linalg.solve(gram, fit.T @ answers)).argmax(1)
    return float((guesses == targets[1::2]).mean())


def _with_one(features: Matrix) -> Matrix:
    return np.concatenate([features, np.ones((len(features), 1))], axis=1)
