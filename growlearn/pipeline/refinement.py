"""Refinement: new rows of a known task are learned from, where they are worth a training.

A window that matched the task starts it; it needs no label itself where rows of earlier windows are new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from growlearn.domain.errors import CannotGrow, CorruptArtifact
from growlearn.domain.growth import GrowthPlan, Refinement
from growlearn.domain.job import HoldoutFiles
from growlearn.domain.lineage import Manifest, Task, TaskHead
from growlearn.domain.metric import METRICS
from growlearn.domain.refinement_score import RefinementScore
from growlearn.domain.schema import Label, sort_labels
from growlearn.domain.window import MATCHED_VERDICTS
from growlearn.evaluation.inference import class_indices, predict_labelled_rows
from growlearn.evaluation.predictions import Predictions
from growlearn.evaluation.refinement import (
    PredictionPair,
    loss_increase_p_value,
    row_log_losses,
    score_refinement,
)
from growlearn.growth.plan import ParentModel, SplitData, count_new_branches, plan_growth
from growlearn.growth.refinement import (
    MAX_HOLDOUT_ROWS,
    MAX_REFERENCE_ROWS,
    count_doubled,
    is_large_share,
    merge_rows,
    required_new_rows,
    split_new_rows,
)
from growlearn.ingest.rows import Rows, Split, concat_rows, split_rows
from growlearn.metrics import Values
from growlearn.network.router.routed_inference import predict_task
from growlearn.pipeline.context import StepContext
from growlearn.pipeline.new_rows import (
    WindowRows,
    count_learned_rows,
    find_failed_refinements,
    find_new_rows,
    load_new_rows,
)
from growlearn.pipeline.new_task import load_holdout_files
from growlearn.ports import EvalRequest

_NOTHING_STORED = "none of the new labelled rows are stored still"
_MAX_COMPARED_ROWS = 2000  # of either side, to see whether the log loss has risen
_RISEN_ALPHA = 0.01  # so one stable window in a hundred is tried for nothing


@dataclass(frozen=True, kw_only=True)
class RefinementCandidate:
    """A known task, and the windows with rows that are new to it, oldest first.

    `failures` are the plans of refinements of the task that were tried in vain since it last learned.
    """

    task: Task
    new: tuple[WindowRows, ...]
    failures: tuple[GrowthPlan, ...] = ()

    @property
    def new_rows(self) -> int:
        """Labelled rows that are new."""
        return sum(each.rows for each in self.new)

    @property
    def failed_new_rows(self) -> tuple[int, ...]:
        """New rows of each refinement that was tried in vain."""
        return tuple(plan.refinement.new_rows for plan in self.failures if plan.refinement is not None)


def find_refinement_candidate(context: StepContext) -> RefinementCandidate | None:
    """The task of the window, which has matched it, and what is new to it; None where there is nothing."""
    if context.job.refine.when == "never" or context.window.verdict not in MATCHED_VERDICTS:
        return None
    task = next((task for task in context.known_tasks if task.name == context.window.task), None)
    new = () if task is None else find_new_rows(context, task)
    if task is None or not new:
        return None
    return RefinementCandidate(task=task, new=new, failures=find_failed_refinements(context, task))


def explain_too_few_rows(context: StepContext, candidate: RefinementCandidate) -> str | None:
    """Why the new rows are too few to be learned from yet; None where they are enough."""
    required = required_new_rows(context.job.refine, candidate.failed_new_rows)
    if candidate.new_rows >= required:
        return None
    failures = len(candidate.failures)
    after = f" after {failures} {'try' if failures == 1 else 'tries'} without gain" if failures else ""
    return f"{candidate.new_rows:,} of {required:,} new labelled rows{after} (refine.min_rows)"


def plan_refinement(
    context: StepContext,
    candidate: RefinementCandidate,
    drift_reason: str | None = None,
    new_classes: Sequence[Label] = (),
) -> GrowthPlan | None:
    """The plan of a refinement, after drift or for a reason found; None where the rows are not worth it yet.

    The answer has the `new_classes` too where it lacked them. Raises CannotGrow.
    """
    job, task, models = context.job, candidate.task, context.ports.models
    manifest = context.parent_manifest
    head = manifest.task(task.name)
    count_new_branches(job, manifest)  # before any row is read for it
    reason = drift_reason or _explain_worth(context, candidate, head)
    if reason is None:
        return None
    classes = head.classes
    if not set(new_classes) <= set(classes):
        classes = sort_labels({*classes, *new_classes})
    stored, rows = _load_stored_rows(context, candidate)
    if not drift_reason and stored != candidate:
        _check_stored_rows(context, stored)
    new_split = _split_off_own_rows(context, task, rows, classes)
    split, num_earlier = _join_split(context, task, head, new_split)
    plan = plan_growth(
        job,
        context.window,
        task.name,
        SplitData(split, classes),
        ParentModel(manifest, context.stream.parent_version),
        len(context.ports.store.branches(context.stream.name)),
        models.store_rows,
        models.network,
    )
    has_files = isinstance(job.holdout, HoldoutFiles)
    refinement = Refinement(
        windows=tuple(each.window.id for each in stored.new),
        new_rows=stored.new_rows,
        earlier_holdout=task.holdout,
        new_holdout=None if has_files else models.store_rows(new_split.holdout, manifest.schema),
        reason=reason,
        after_drift=drift_reason is not None,
        failures=count_doubled(candidate.failed_new_rows),
    )
    if not refinement.after_drift and not refinement.is_repeated:
        refinement = replace(refinement, guarded_rows=num_earlier)
    labelled_rows = tuple(each.window.labelled or 0 for each in stored.new)
    return replace(plan, refinement=refinement, labelled_rows=labelled_rows, train_router=False)


def _split_off_own_rows(context: StepContext, task: Task, rows: Rows, classes: Sequence[Label]) -> Split:
    """The new rows split as the job says, without those that the task learned from or is measured on."""
    models, schema = context.ports.models, context.parent_manifest.schema
    own_rows = [models.rows(sha256, schema) for sha256 in (task.reference_rows, task.holdout)]
    return split_new_rows(
        context.job,
        rows,
        classes,
        np.concatenate([each.row_hashes for each in own_rows]),
        lambda label_type: load_holdout_files(context, task.name, label_type),
    )


def score_refined_candidate(
    context: StepContext, plan: GrowthPlan, candidate: Manifest
) -> RefinementScore | None:
    """A refined candidate against the task's version before; None for another growth."""
    refinement, models = plan.refinement, context.ports.models
    if refinement is None:
        return None

    def predict_pair(rows: str) -> PredictionPair:
        request = EvalRequest(task=plan.task, rows=rows)
        return PredictionPair(
            predict_labelled_rows(plan.parent_manifest, request, models),
            predict_labelled_rows(candidate, request, models),
        )

    return score_refinement(
        predict_pair(refinement.earlier_holdout),
        None if refinement.new_holdout is None else predict_pair(refinement.new_holdout),
        context.job.baseline_comparison.alpha,
        metric=METRICS[context.job.metric],
        positive=None if plan.positive_class is None else plan.classes.index(plan.positive_class),
        after_drift=refinement.after_drift,
        is_repeated=refinement.is_repeated,
    )


def _load_stored_rows(
    context: StepContext, candidate: RefinementCandidate
) -> tuple[RefinementCandidate, Rows]:
    """The candidate with the windows whose rows are still stored, and these rows."""
    loaded = list(_iter_stored_rows(context, candidate.new))
    if not loaded:
        raise CannotGrow(_NOTHING_STORED)
    stored = replace(candidate, new=tuple(new for new, _ in loaded))
    return stored, concat_rows([rows for _, rows in loaded])


def _iter_stored_rows(context: StepContext, new: Iterable[WindowRows]) -> Iterator[tuple[WindowRows, Rows]]:
    """Each window whose new rows are still stored, with these; those of the window at hand must be."""
    for each in new:
        try:
            rows = load_new_rows(context, each)
        except (CorruptArtifact, KeyError, ValueError):
            if each.window.id == context.window.id:
                raise
        else:
            yield each, rows


def _check_stored_rows(context: StepContext, stored: RefinementCandidate) -> None:
    """Raise CannotGrow where the rows that are stored still are too few."""
    why_not = explain_too_few_rows(context, stored)
    if why_not is not None:
        raise CannotGrow(f"{why_not} are stored still")


def _join_split(context: StepContext, task: Task, head: TaskHead, new: Split) -> tuple[Split, int]:
    """The new rows with those of the task: hold-out, validation, and training rows where it kept some.

    The number is that of the earlier validation rows, which come first.
    """
    models, schema = context.ports.models, context.parent_manifest.schema
    train = new.train
    if head.retained is not None and context.job.retain != "none":
        train = concat_rows([models.rows(head.retained, schema), train])
    reference = models.rows(task.reference_rows, schema)
    validation, num_earlier = merge_rows(reference, new.validation, MAX_REFERENCE_ROWS)
    holdout, _ = merge_rows(models.rows(task.holdout, schema), new.holdout, MAX_HOLDOUT_ROWS)
    return Split(train, validation, holdout), num_earlier


def _explain_worth(context: StepContext, candidate: RefinementCandidate, head: TaskHead) -> str | None:
    """Why the new rows are worth a training; None where they are not."""
    if context.job.refine.when == "every_window":
        return "every window is learned from (refine.when)"
    learned_rows = count_learned_rows(context, candidate.task)
    if is_large_share(candidate.new_rows, learned_rows):
        return f"{candidate.new_rows:,} new labelled rows beside {learned_rows:,} learned from"
    holdout = context.ports.models.rows(candidate.task.holdout, context.parent_manifest.schema)
    now, before = (
        _row_losses(context, head, _load_newest_rows(context, candidate)),
        _row_losses(context, head, holdout),
    )
    p_value = loss_increase_p_value(now, before)
    if p_value >= _RISEN_ALPHA:
        return None
    return f"log loss {now.mean():.3f} on the window against {before.mean():.3f} (p = {p_value:.2g})"


def _load_newest_rows(context: StepContext, candidate: RefinementCandidate) -> Rows:
    """The rows of the newest window that are still stored, without those that would be held out."""
    for _, rows in _iter_stored_rows(context, reversed(candidate.new)):
        return leave_out_holdout(context, rows)
    raise CannotGrow(_NOTHING_STORED)


def leave_out_holdout(context: StepContext, rows: Rows) -> Rows:
    """The rows without those that would be held out: whether to train is a choice too."""
    holdout = context.job.holdout
    fraction = 0.0 if isinstance(holdout, HoldoutFiles) else holdout.fraction
    return split_rows(rows, fraction, 0.0).train


def _row_losses(context: StepContext, head: TaskHead, rows: Rows) -> Values:
    """The log loss of the task's answers to some of the rows."""
    rows = rows.sample(_MAX_COMPARED_ROWS)
    logits, chosen = predict_task(context.ports.models.network(context.parent_manifest), head, rows)
    return row_log_losses(Predictions(logits, class_indices(rows.labels, head.classes), chosen))
