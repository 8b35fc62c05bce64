"""Drift that a known task's answer still tells something about: its answer is corrected, no task is opened.

Rows of two regimes that look alike cannot be told apart when they are answered, so one answer has to serve
both where it can, with the classes of both. Whether it does is measured. Where the earlier rows speak against
a correction, a task is trained too; it is opened where it answers the rows of both regimes better, each
routed as it would be served.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from growlearn.domain.errors import TooFewLabels
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.lineage import Task
from growlearn.domain.metric import METRICS
from growlearn.domain.refinement_score import MIN_TASK_GAIN
from growlearn.domain.schema import Label
from growlearn.domain.stream import Transition
from growlearn.domain.window import Verdict
from growlearn.evaluation.inference import class_indices, predict_labelled_rows
from growlearn.evaluation.paired_tests import mean_decrease_p_value
from growlearn.evaluation.refinement import all_log_losses
from growlearn.growth.calibration import measure_information
from growlearn.ingest.labels import frequent_labels
from growlearn.ingest.rows import Rows
from growlearn.metrics import Values
from growlearn.pipeline.context import StepContext
from growlearn.pipeline.new_rows import WindowRows
from growlearn.pipeline.refinement import RefinementCandidate, leave_out_holdout, plan_refinement
from growlearn.ports import EvalRequest

_MIN_INFORMATION = 0.1
"""The share of what an answer told of its own rows, in nats, that it must still tell of the window's."""
_MIN_KNOWN = 0.5
"""The share of the window's rows whose class the answer must know."""
_MAX_COMPARED_ROWS = 2000
_CORRECTED = "A known task's answer was corrected first"


def plan_drift_refinement(context: StepContext) -> GrowthPlan | None:
    """The plan that corrects the known answer which tells most about a window that drifted.

    The corrected answer has the window's new classes too. None where the job does not refine, the window
    names its task, or no known answer tells enough. Raises CannotGrow.
    """
    report, job = context.record.report, context.job
    can_be_refined = (
        report is not None
        and report.verdict is Verdict.DRIFT
        and job.refine.when != "never"
        and job.schema.task is None
    )
    rows = leave_out_holdout(context, context.rows().select_labelled()) if can_be_refined else None
    if rows is None or len(rows) == 0:
        return None
    classes, _ = frequent_labels(context.rows().labels, job.drift.min_rows_per_class)  # as a new task has
    rows = rows.sample(_MAX_COMPARED_ROWS)
    tasks = [
        task
        for task in context.known_tasks
        if task.name in context.parent_manifest.routable_tasks and _can_have(context, task, classes)
    ]
    told = {task.name: _share_told(context, task, rows) for task in tasks}
    best = max(tasks, key=lambda task: told[task.name], default=None)
    if best is None or told[best.name] < _MIN_INFORMATION:
        return None
    candidate = RefinementCandidate(
        task=best, new=(WindowRows(context.window, context.window.labelled or 0),)
    )
    reason = (
        f"drift of which task {best.name!r} still tells {told[best.name]:.0%} of what it told of its own rows"
    )
    try:
        return plan_refinement(context, candidate, reason, classes)
    except TooFewLabels:
        return None


def _can_have(context: StepContext, task: Task, classes: Collection[Label]) -> bool:
    """Whether a task's answer can have these classes: not where the metric needs its positive class."""
    positive_class = context.parent_manifest.task(task.name).positive_class
    is_free = positive_class is None or not METRICS[context.job.metric].needs_two_classes
    return is_free or set(classes) <= set(task.classes)


def is_contradicted(refined: Transition) -> bool:
    """Whether held-out rows speak against a correction after drift, or for a new task."""
    score = None if refined.evaluation is None else refined.evaluation.refinement
    if score is None or not score.after_drift:
        return False
    return score.is_task_promising or not (score.lowers_new_loss and score.keeps_earlier_loss)


def choose_after_drift(context: StepContext, refined: Transition, opened: Transition) -> Transition:
    """The model with the corrected answer, or that with a new task, both evaluated.

    The task is opened where the correction does not lower the loss, or where the rows of both regimes have a
    lower loss with it, beyond chance and by a tenth or more. Each row is routed, as it will be without its
    task.
    """
    assert refined.evaluation is not None, "a contradicted correction was evaluated"
    score = refined.evaluation.refinement
    assert score is not None, "a contradicted correction is a refinement"
    if not score.lowers_new_loss or score.both.loss_after >= score.both.loss_before:
        return _with_dropped(opened, refined, _CORRECTED, "held-out rows speak against it")
    corrected, separate = (_served_losses(context, refined, item) for item in (refined, opened))
    losses = f"log loss {corrected.mean():.4f} corrected, {separate.mean():.4f} with a new task"
    is_larger = corrected.mean() - separate.mean() >= MIN_TASK_GAIN * corrected.mean()
    if is_larger and mean_decrease_p_value(corrected - separate) < score.alpha:
        return _with_dropped(opened, refined, _CORRECTED, losses)
    kept = replace(
        refined,
        evaluation=replace(refined.evaluation, refinement=replace(score, opened_loss=float(separate.mean()))),
    )
    return _with_dropped(kept, opened, "A new task was trained too", losses)


def _served_losses(context: StepContext, refined: Transition, model: Transition) -> Values:
    """The log losses of a trained model on all hold-out rows of a correction, each routed."""
    assert isinstance(refined.plan, GrowthPlan)
    assert isinstance(model.plan, GrowthPlan)
    assert isinstance(model.result, GrowthResult)
    request = EvalRequest(task=refined.plan.task, rows=refined.plan.holdout, routed=True)
    manifest = model.result.build_manifest(model.plan)
    return all_log_losses(predict_labelled_rows(manifest, request, context.ports.models))


def _with_dropped(kept: Transition, dropped: Transition, what: str, why: str) -> Transition:
    """The transition that also says what was trained beside it and dropped, and what that cost."""
    if kept.model_selection is None or dropped.model_selection is None:
        return kept
    selection = replace(
        kept.model_selection,
        dropped_seconds=sum(candidate.seconds for candidate in dropped.model_selection.candidates),
        dropped_reason=f"{what} and dropped: {why}.",
    )
    return replace(kept, model_selection=selection)


def _share_told(context: StepContext, task: Task, rows: Rows) -> float:
    """The information of a task's answer about the window's rows, as a share of that about its hold-out.

    0 where the task knows the labels of less than half of the rows.
    """
    num_rows = len(rows)
    rows = rows.take(np.isin(rows.labels, list(task.classes)))
    if len(rows) < _MIN_KNOWN * num_rows:
        return 0.0
    own_rows = context.ports.models.rows(task.holdout, context.parent_manifest.schema)
    own_rows = own_rows.select_labelled().sample(_MAX_COMPARED_ROWS)
    own = _information(context, task, own_rows)
    return _information(context, task, rows) / own if own > 0 else 0.0


def _information(context: StepContext, task: Task, rows: Rows) -> float:
    logits = context.ports.models.network(context.parent_manifest).logits(rows, task.name)
    return measure_information(logits, class_indices(rows.labels, task.classes))
