"""Drift that a known task's answer still tells something about: its answer is corrected, no task is opened.

Rows of two regimes that look alike cannot be told apart when they are answered, so one answer has to serve
both where it can. Whether it does is measured: a refinement that the held-out rows of either regime speak
against is dropped, and the window opens a task.
"""

from __future__ import annotations

from growlearn.domain.drift import DriftKind
from growlearn.domain.errors import TooFewLabels
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import Task
from growlearn.domain.window import Verdict
from growlearn.evaluation.inference import class_indices
from growlearn.growth.calibration import measure_information
from growlearn.ingest.rows import Rows
from growlearn.pipeline.context import StepContext
from growlearn.pipeline.refinement import RefinementCandidate, plan_refinement, rows_beside_holdout

_MIN_INFORMATION = 0.1
"""The share of what an answer told of its own rows, in nats, that it must still tell of the window's."""
_MAX_COMPARED_ROWS = 2000


def plan_drift_refinement(context: StepContext) -> GrowthPlan | None:
    """The plan that corrects the known answer which tells most about a window that drifted.

    None where the job does not refine, the window names its task or brings new classes, or no known answer
    tells enough. Raises CannotGrow.
    """
    report, job = context.record.report, context.job
    can_be_refined = (
        report is not None
        and report.verdict is Verdict.DRIFT
        and report.kind is not DriftKind.NEW_CLASSES
        and job.refine.when != "never"
        and job.schema.task is None
    )
    rows = rows_beside_holdout(context) if can_be_refined else None
    if rows is None or len(rows) == 0:
        return None
    rows = rows.sample(_MAX_COMPARED_ROWS)
    labels = set(rows.labels)
    tasks = [
        task
        for task in context.known_tasks
        if task.name in context.parent_manifest.routable_tasks and labels <= set(task.classes)
    ]
    told = {task.name: _share_told(context, task, rows) for task in tasks}
    best = max(tasks, key=lambda task: told[task.name], default=None)
    if best is None or told[best.name] < _MIN_INFORMATION:
        return None
    candidate = RefinementCandidate(task=best, windows=(context.window,), failed_new_rows=())
    reason = (
        f"drift of which task {best.name!r} still tells {told[best.name]:.0%} of what it told of its own rows"
    )
    try:
        return plan_refinement(context, candidate, reason)
    except TooFewLabels:
        return None


def _share_told(context: StepContext, task: Task, rows: Rows) -> float:
    """The information of a task's answer about the window's rows, as a share of that about its hold-out."""
    own_rows = context.ports.models.rows(task.holdout, context.parent_manifest.schema)
    own_rows = own_rows.select_labelled().sample(_MAX_COMPARED_ROWS)
    own = _information(context, task, own_rows)
    return _information(context, task, rows) / own if own > 0 else 0.0


def _information(context: StepContext, task: Task, rows: Rows) -> float:
    logits = context.ports.models.network(context.parent_manifest).logits(rows, task.name)
    return measure_information(logits, class_indices(rows.labels, task.classes))
