"""From a verdict to a plan: which rows, which parents, which seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from growlearn.domain.errors import TooFewLabels
from growlearn.domain.growth import Birth, GrowthPlan, ParentScore
from growlearn.domain.job import HoldoutFiles, Job
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label
from growlearn.domain.window import Window
from growlearn.growth.crowding import no_room
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.parents import chosen, score_parents
from growlearn.growth.retention import retained
from growlearn.ingest.holdout import Holdout
from growlearn.ingest.labels import speaking
from growlearn.ingest.rows import Column, Rows, Split, split, to_parquet
from growlearn.ports import Artifacts

_FIRST = ParentScore(task=None, lineage=(), accuracy=0.0, birth=Birth.OWN)
"""Where a stream's first branches start: there is nothing to compare them with."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What a window offers to grow from: labelled rows in three parts that share none.

    The hold-out is the job's own where it names files for it.
    """

    split: Split
    classes: tuple[Label, ...]


@dataclass(frozen=True)
class Base:
    """The model grown from, and its version; None before a stream's first."""

    manifest: Manifest
    version: int | None


def survey(job: Job, rows: Rows, own_holdout: Callable[[type | None], Holdout]) -> Ground:
    """Split a window's labelled rows, or raise NotGrowable with the reason nothing can be grown.

    Labels too rare to speak for a class are left out. `own_holdout` gives the task's rows of the job's
    hold-out files, read with labels of the kind asked for; called only where the job names some.
    Validation rows will be the task's drift reference: without a task column there must be enough of
    them to judge later windows by.
    """
    classes, _ = speaking(rows.labels, job.drift.min_class_rows)
    labelled = rows.take(_have(rows, classes))
    if not classes:
        raise TooFewLabels("no row has a label yet", cure="send the window again with labels")
    if len(labelled) < job.growth.min_rows:
        raise _too_few(job, labelled, "")
    if len(classes) == 1:
        raise TooFewLabels(f"every row has the label {classes[0]!r}: there is nothing to tell apart")
    least = job.drift.min_rows if job.schema.task is None else 0
    if isinstance(job.holdout, HoldoutFiles):
        kinds = {type(label) for label in classes}
        held = own_holdout(kinds.pop() if len(kinds) == 1 else None)
        parts = _beside(held, labelled, classes, job.growth.validation, least)
    else:
        parts = split(labelled, job.holdout, job.growth.validation, least)
    _require_rows(job, parts, least)
    return Ground(parts, classes)


def _beside(
    holdout: Holdout, labelled: Rows, classes: tuple[Label, ...], validation: float, least: int
) -> Split:
    """The split beside hold-out rows of their own, no row of which, of any task, is trained or chosen on."""
    fresh = labelled.take(~np.isin(labelled.keys, holdout.keys))
    held = holdout.rows.take(_have(holdout.rows, classes))
    return replace(split(fresh, 0.0, validation, least), holdout=held)


def _have(rows: Rows, classes: tuple[Label, ...]) -> Column:
    """Which rows have one of these labels, bool [N]."""
    return np.array([label in classes for label in rows.labels], dtype=bool)


def _require_rows(job: Job, parts: Split, least: int) -> None:
    if len(parts.train) < job.growth.min_rows:
        raise _too_few(job, parts.train, " left to train on")
    if len(parts.validation) < least:
        raise TooFewLabels(
            f"only {len(parts.validation)} labelled rows left as drift reference, fewer than {least}",
            cure="send larger windows, or lower drift.min_rows",
        )
    if len(parts.validation) == 0:
        raise TooFewLabels("no labelled row fell to validation", cure="send larger windows")
    if len(parts.holdout) == 0:
        raise TooFewLabels("no labelled row fell to the hold-out", cure="send larger windows")


def _too_few(job: Job, rows: Rows, what_for: str) -> TooFewLabels:
    count = f"{len(rows)} labelled row{'' if len(rows) == 1 else 's'}{what_for}"
    return TooFewLabels(
        f"only {count}, fewer than {job.growth.min_rows}",
        cure="send larger windows, or lower growth.min_rows",
    )


def plan_growth(
    job: Job,
    window: Window,
    task: str,
    ground: Ground,
    base: Base,
    grown: int,
    artifacts: Artifacts,
    load: Callable[[Manifest], GrowingNetwork],
) -> GrowthPlan:
    """Plan one growth; `grown` branches of the stream exist already, rejected ones included.

    The network keeps the shape it was born with; the job's present budgets apply. Raises NotGrowable
    where the model has reached its branch budget.
    """
    model = base.manifest
    count = 1 if model.branches else job.model.initial_branches
    if len(model.branches) + count > job.model.max_branches:
        raise no_room(job, model)
    scores = _scores(model, ground, load, job.model.max_parents)
    start = chosen(scores, job.growth.birth) if scores else _FIRST
    parent = None if start.task is None else model.task(start.task)
    kept = retained(ground.split.train, job.retain)
    return GrowthPlan(
        stream=job.name,
        window=window.id,
        task=task,
        classes=ground.classes,
        base=model,
        base_version=base.version,
        parent=None if parent is None else parent.name,
        lineage=start.lineage,
        birth=start.birth,
        copy_head=parent is not None and parent.classes == ground.classes,
        new_branches=tuple(f"b{grown + 1 + i}" for i in range(count)),
        train=artifacts.put(to_parquet(ground.split.train, model.schema)),
        validation=artifacts.put(to_parquet(ground.split.validation, model.schema)),
        holdout=artifacts.put(to_parquet(ground.split.holdout, model.schema)),
        growth=job.growth,
        seed=job.growth.seed * 100_003 + window.number,
        parent_scores=scores,
        max_accuracy_loss=job.size.max_accuracy_loss,
        retained=None if kept is None else artifacts.put(to_parquet(kept, model.schema)),
    )


def _scores(
    base: Manifest, ground: Ground, load: Callable[[Manifest], GrowingNetwork], max_parents: int
) -> tuple[ParentScore, ...]:
    if not base.branches:
        return ()
    place = {label: i for i, label in enumerate(ground.classes)}
    targets = np.array([place[label] for label in ground.split.train.labels], dtype=np.int64)
    return score_parents(load(base), base, ground.split.train, targets, max_parents)


def empty_manifest(job: Job) -> Manifest:
    """The model of a stream that has not learned anything."""
    return Manifest(stream=job.name, schema=job.schema, model=job.model, branches=(), tasks=())


def alone(plan: GrowthPlan) -> GrowthPlan:
    """The same rows, seed and budget, for a model of its own that knows nothing else."""
    return replace(
        plan,
        base=replace(plan.base, branches=(), tasks=(), router=None),
        base_version=None,
        parent=None,
        lineage=(),
        birth=Birth.OWN,
        copy_head=False,
        new_branches=("alone",),
        parent_scores=(),
        route=False,
    )
