"""From whom a new branch grows, and as what: a cheap probe of every lineage and birth on a few rows.

Each candidate is scored by ridge regression (closed form, each row left out in turn) on the pooled features
it would start with, of a subsample. Where there are many tasks a smaller one first finds the few worth a
closer look, so that the n-th growth stays as cheap as the second.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from growlearn.domain.growth import Birth, ParentScore
from growlearn.domain.lineage import Manifest, TaskHead
from growlearn.growth.beginnings import copied, fresh
from growlearn.growth.model.network import GrowingNetwork
from growlearn.ingest.rows import Rows

PROBE_ROWS = 256
SCREEN_ROWS = 64
FINALISTS = 3  # tasks that are scored on PROBE_ROWS
_RIDGE = 1.0  # on standardised features, one per row of the fit

Targets = npt.NDArray[np.int64]


def score_parents(
    network: GrowingNetwork, base: Manifest, rows: Rows, targets: Targets, max_parents: int
) -> tuple[ParentScore, ...]:
    """Score the bare stem, a stem of its own, and each promising task as a frozen or a copied parent.

    rows [N] are training rows of the new task, targets [N] their class indices. A frozen parent must leave
    room for one more branch within `max_parents`. Best first; among equals the shorter lineage, then the
    older task, then the birth as they are listed: zero, copy, own.
    """
    tasks = _finalists(network, base.tasks, rows, targets)
    some = _subsample(len(rows), PROBE_ROWS)
    rows, targets = rows.take(some), targets[some]
    scores = [_score(None, (), Birth.ZERO, network.pooled(rows, ()), targets)]
    for task in tasks:
        if len(task.lineage) <= max_parents:
            pooled = network.pooled(rows, task.lineage)  # [n, 1 + k, D]
            scores.append(_score(task.name, task.lineage, Birth.ZERO, pooled, targets))
        begun = copied(network, task.lineage[-1], rows)
        scores.append(_score(task.name, (), Birth.COPY, begun.pooled(rows), targets))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        begun = fresh(base.schema, base.model, rows)
    scores.append(_score(None, (), Birth.OWN, begun.pooled(rows), targets))
    return tuple(sorted(scores, key=lambda score: (-score.accuracy, len(score.lineage))))


def chosen(scores: Sequence[ParentScore], birth: str) -> ParentScore:
    """The best start of the kind of birth that the job names; of a copy and a stem of its own for "auto".

    A frozen stem is not among them: its score is all that it will ever tell, the others' is where training
    sets out from (measured in docs/adr/0008).
    """
    births = (Birth.COPY, Birth.OWN) if birth == "auto" else (Birth(birth),)
    return next(score for score in scores if score.birth in births)


def _finalists(
    network: GrowingNetwork, tasks: Sequence[TaskHead], rows: Rows, targets: Targets
) -> Sequence[TaskHead]:
    """The tasks whose last branch tells the classes apart best, by a first look at fewer rows."""
    if len(tasks) <= FINALISTS:
        return tasks
    few = _subsample(len(rows), SCREEN_ROWS)
    rows, targets = rows.take(few), targets[few]
    found = {task.name: probe(network.pooled(rows, task.lineage[-1:]), targets) for task in tasks}
    return sorted(tasks, key=lambda task: -found[task.name])[:FINALISTS]


def _score(
    task: str | None,
    lineage: tuple[str, ...],
    birth: Birth,
    features: npt.NDArray[np.float32],
    targets: Targets,
) -> ParentScore:
    return ParentScore(
        task=task, lineage=lineage, birth=birth, accuracy=probe(features, targets), rows=len(targets)
    )


def _subsample(rows: int, most: int) -> npt.NDArray[np.int64]:
    """At most so many indices, the same ones every time."""
    return np.sort(np.random.default_rng(0).permutation(rows)[:most])


def probe(features: npt.NDArray[np.float32], targets: Targets) -> float:
    """Accuracy of ridge regression on one-hot targets, each row answered by a fit on all the others.

    In closed form, without a fit a row: with A = Z Z' + r I, the others' answer to row i is
    y_i - (A^-1 Y)_i / (A^-1)_ii (Rasmussen and Williams, "Gaussian Processes for Machine
    Learning", 2006, 5.12).
    """
    flat = features.reshape(len(features), -1).astype(np.float64)  # [n, (1 + k) * D]
    standard = (flat - flat.mean(0)) / (flat.std(0) + 1e-8)
    gram = standard @ standard.T + 1.0  # [n, n]; the one is the intercept's
    inverse = np.linalg.inv(gram + _RIDGE * len(flat) / 100 * np.eye(len(flat)))
    answers = np.eye(int(targets.max()) + 1)[targets]  # [n, C]
    guesses = answers - inverse @ answers / np.diag(inverse)[:, None]
    return float((guesses.argmax(1) == targets).mean())
