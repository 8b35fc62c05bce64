"""From a verdict to a growth plan: which rows, which parent, which seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from growlearn.domain.errors import TooFewLabels
from growlearn.domain.growth import BranchInit, GrowthPlan, ProbeScore
from growlearn.domain.job import HoldoutFiles, Job
from growlearn.domain.lineage import Manifest
from growlearn.domain.metric import METRICS
from growlearn.domain.schema import Label, Schema
from growlearn.domain.window import Window
from growlearn.growth.branch_budget import budget_error
from growlearn.growth.class_weights import choose_positive_class, resolve_class_weights
from growlearn.growth.parent_selection import score_parents, select_base_task, select_init
from growlearn.growth.replay_buffer import select_replay_rows
from growlearn.ingest.holdout import Holdout
from growlearn.ingest.labels import frequent_labels
from growlearn.ingest.rows import Column, Rows, Split, split_rows
from growlearn.network.model.network import GrowingNetwork

_SCRATCH_START = ProbeScore(task=None, lineage=(), accuracy=0.0, init=BranchInit.SCRATCH)
"""The start of a stream's first branches, for which no parent can be scored."""


@dataclass(frozen=True, eq=False)
class SplitData:
    """A window's labelled rows in three disjoint parts, and their classes.

    The hold-out comes from the job's hold-out files where it names some. `rare_labels` are those of rows that
    were dropped because their label is too rare.
    """

    split: Split
    classes: tuple[Label, ...]
    rare_labels: tuple[Label, ...] = ()


@dataclass(frozen=True)
class ParentModel:
    """The model to grow from and its version number; None before a stream's first version."""

    manifest: Manifest
    version: int | None


def split_window(job: Job, rows: Rows, load_holdout: Callable[[type | None], Holdout]) -> SplitData:
    """Split a window's labelled rows, or raise TooFewLabels with the reason why nothing can be grown.

    Rows with a label rarer than `drift.min_rows_per_class` are dropped. `load_holdout` reads the task's rows
    from the job's hold-out files, with labels of the given type; it is called only where the job names files.
    The validation rows become the task's drift reference, so without a task column `drift.min_rows` of them
    are required.
    """
    classes, rare_labels = frequent_labels(rows.labels, job.drift.min_rows_per_class)
    labelled = rows.take(_has_label(rows, classes))
    if not classes:
        raise TooFewLabels("no row has a label yet", hint="send the window again with labels")
    if len(labelled) < job.growth.min_rows:
        purpose = " of a frequent class (drift.min_rows_per_class)"
        raise _too_few_labels_error(job, labelled, purpose if rare_labels else "")
    if len(classes) == 1:
        raise TooFewLabels(f"every row has the label {classes[0]!r}: there is nothing to tell apart")
    min_validation_rows = job.drift.min_rows if job.schema.task is None else 0
    if isinstance(job.holdout, HoldoutFiles):
        label_types = {type(label) for label in classes}
        external_holdout = load_holdout(label_types.pop() if len(label_types) == 1 else None)
        row_split = _split_with_external_holdout(
            external_holdout, labelled, classes, job.growth.validation_fraction, min_validation_rows
        )
    else:
        row_split = split_rows(
            labelled, job.holdout.fraction, job.growth.validation_fraction, min_validation_rows
        )
    _require_enough_rows(job, row_split, min_validation_rows)
    _require_two_classes(job, row_split.holdout)
    return SplitData(row_split, classes, tuple(rare_labels))


def _split_with_external_holdout(
    holdout: Holdout,
    labelled: Rows,
    classes: tuple[Label, ...],
    validation_fraction: float,
    min_validation_rows: int,
) -> Split:
    """Split with the given hold-out rows; no hold-out row of any task is used to train or validate."""
    remaining = labelled.take(~np.isin(labelled.row_hashes, holdout.row_hashes))
    holdout_rows = holdout.rows.take(_has_label(holdout.rows, classes))
    return replace(split_rows(remaining, 0.0, validation_fraction, min_validation_rows), holdout=holdout_rows)


def _has_label(rows: Rows, classes: tuple[Label, ...]) -> Column:
    """Whether each row has one of these labels, bool [N]."""
    known = set(classes)
    return np.array([label in known for label in rows.labels], dtype=bool)


def _require_enough_rows(job: Job, row_split: Split, min_validation_rows: int) -> None:
    if len(row_split.train) < job.growth.min_rows:
        raise _too_few_labels_error(job, row_split.train, " left to train on")
    if len(row_split.validation) < min_validation_rows:
        raise TooFewLabels(
            f"only {len(row_split.validation)} labelled rows left as drift reference, "
            f"fewer than {min_validation_rows}",
            hint="send larger windows, or lower drift.min_rows",
        )
    if len(row_split.validation) == 0:
        raise TooFewLabels("the split left no labelled row for validation", hint="send larger windows")
    if len(row_split.holdout) == 0:
        raise TooFewLabels("the split left no labelled row for the hold-out", hint="send larger windows")


def _require_two_classes(job: Job, holdout: Rows) -> None:
    """Raise TooFewLabels where the job's metric is not defined on the hold-out."""
    labels = set(holdout.labels)
    if METRICS[job.metric].needs_two_classes and len(labels) == 1:
        raise TooFewLabels(
            f"every hold-out row has the label {labels.pop()!r}, so {job.metric} is not defined on them",
            hint="send larger windows, raise holdout.fraction, or set metric to accuracy or log_loss",
        )


def _too_few_labels_error(job: Job, rows: Rows, purpose: str) -> TooFewLabels:
    count = f"{len(rows)} labelled row{'' if len(rows) == 1 else 's'}{purpose}"
    return TooFewLabels(
        f"only {count}, fewer than {job.growth.min_rows}",
        hint="send larger windows, or lower growth.min_rows",
    )


def plan_growth(
    job: Job,
    window: Window,
    task: str,
    split_data: SplitData,
    parent_model: ParentModel,
    num_existing_branches: int,
    store_rows: Callable[[Rows, Schema], str],
    load_network: Callable[[Manifest], GrowingNetwork],
) -> GrowthPlan:
    """Plan one growth; `num_existing_branches` counts all branches of the stream, rejected ones too.

    The network keeps the shape of its first version; the job's current budgets apply. Raises CannotGrow
    where the model has reached its branch budget.
    """
    model, split = parent_model.manifest, split_data.split
    num_branches = count_new_branches(job, model)
    positive_class = _resolve_positive_class(model, task, split_data)
    scores = _score_parents(model, split_data, load_network, job, positive_class)
    start = select_init(scores, job.growth.init) if scores else _SCRATCH_START
    base_task = select_base_task(model, task, scores, split.train, split_data.classes, load_network)
    parent = None if start.task is None else model.task(start.task)
    replay_rows = select_replay_rows(split.train, job.retain)
    return GrowthPlan(
        stream=job.name,
        window=window.id,
        task=task,
        classes=split_data.classes,
        parent_manifest=model,
        parent_version=parent_model.version,
        parent_task=None if parent is None else parent.name,
        lineage=start.lineage,
        init=start.init,
        init_head_from_parent=parent is not None and parent.classes == split_data.classes,
        new_branches=tuple(f"b{num_existing_branches + 1 + i}" for i in range(num_branches)),
        train=store_rows(split.train, model.schema),
        validation=store_rows(split.validation, model.schema),
        holdout=store_rows(split.holdout, model.schema),
        growth=job.growth.resolve(len(split.train), has_images=model.model.trains_on_pixels(model.schema)),
        seed=job.growth.seed * 100_003 + window.number,
        probe_scores=scores,
        max_accuracy_drop=job.pruning.max_accuracy_drop,
        retained=None if replay_rows is None else store_rows(replay_rows, model.schema),
        metric=job.metric,
        class_weights=_resolve_class_weights(job, split_data, model),
        positive_class=positive_class,
        base_task=base_task,
        labelled_rows=(window.labelled or 0,),
    )


def count_new_branches(job: Job, model: Manifest) -> int:
    """How many branches a growth adds; raises CannotGrow where the branch budget has no room for them."""
    num_branches = 1 if model.branches else job.model.num_initial_branches
    if len(model.branches) + num_branches > job.model.max_branches:
        raise budget_error(job, model)
    return num_branches


def _resolve_positive_class(model: Manifest, task: str, split_data: SplitData) -> Label | None:
    """That of a task that is known with these classes; else chosen from them and the training labels."""
    known = next((head for head in model.tasks if head.name == task), None)
    if known is not None and known.classes == split_data.classes:
        return known.positive_class
    return choose_positive_class(model, split_data.classes, split_data.split.train.labels)


def _resolve_class_weights(job: Job, split_data: SplitData, model: Manifest) -> tuple[float, ...]:
    known_labels = (label for head in model.tasks for label in head.classes)
    return resolve_class_weights(
        job.class_weight,
        split_data.classes,
        split_data.split.train.labels,
        (*split_data.classes, *split_data.rare_labels, *known_labels),
    )


def _score_parents(
    model: Manifest,
    split_data: SplitData,
    load_network: Callable[[Manifest], GrowingNetwork],
    job: Job,
    positive_class: Label | None,
) -> tuple[ProbeScore, ...]:
    if not model.branches:
        return ()
    class_index = {label: i for i, label in enumerate(split_data.classes)}
    targets = np.array([class_index[label] for label in split_data.split.train.labels], dtype=np.int64)
    return score_parents(
        load_network(model),
        model,
        split_data.split.train,
        targets,
        job.model.lineage_limit(job.schema),
        METRICS[job.metric],
        None if positive_class is None else class_index[positive_class],
    )


def empty_manifest(job: Job) -> Manifest:
    """The model of a stream before its first version."""
    return Manifest(stream=job.name, schema=job.schema, model=job.model, branches=(), tasks=())


def single_task_plan(plan: GrowthPlan) -> GrowthPlan:
    """The same rows, seed and budget for a separate model that learns this task only."""
    return replace(
        plan,
        parent_manifest=replace(plan.parent_manifest, branches=(), tasks=(), router=None),
        parent_version=None,
        parent_task=None,
        lineage=(),
        init=BranchInit.SCRATCH,
        init_head_from_parent=False,
        new_branches=("single_task",),
        probe_scores=(),
        train_router=False,
        base_task=None,
    )
