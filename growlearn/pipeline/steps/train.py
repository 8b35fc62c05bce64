"""From growing to evaluated: train the plan and its baselines, then evaluate what is kept, task by task."""

from __future__ import annotations

from dataclasses import replace

from growlearn.domain.errors import CannotGrow, GrowLearnError, LeaseLost, Unavailable
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import Version
from growlearn.domain.metric import METRICS
from growlearn.domain.stream import Transition
from growlearn.domain.window import WindowState
from growlearn.evaluation.evaluate import evaluate_candidate
from growlearn.evaluation.inference import class_indices
from growlearn.metrics import compute_chance_level
from growlearn.network.bitwise_check import find_changed_tasks, store_check_logits
from growlearn.network.devices import describe_device
from growlearn.pipeline.augmentation_choice import choose_augmentation
from growlearn.pipeline.context import StepContext
from growlearn.pipeline.drift_refinement import choose_after_drift, is_contradicted
from growlearn.pipeline.hyperparameter_search import search_hyperparameters
from growlearn.pipeline.model_selection import TrainedCandidate, train_and_select
from growlearn.pipeline.new_task import plan_new_task
from growlearn.pipeline.refinement import score_refined_candidate
from growlearn.pipeline.task_replacement import replace_contradicted_tasks
from growlearn.pipeline.transitions import (
    make_final_transition,
    make_transition,
    require_recorded_parent,
    retry_or_give_up,
    stale_plan_reason,
)
from growlearn.ports import EvalRequest, ProgressCallback
from growlearn.registry.version_tree import get_ancestry


def train_and_evaluate(context: StepContext, on_progress: ProgressCallback) -> Transition:
    """From growing to evaluated: train the plan and its baselines, keep the smallest that none beats.

    A window whose training fails again and again is rejected, so that it cannot stop its stream.
    """
    plan = context.record.plan
    assert isinstance(plan, GrowthPlan), "a growing window has its plan"
    if plan.parent_version != context.stream.parent_version:
        reason = stale_plan_reason(plan, context.stream)
        return make_final_transition(context, WindowState.REJECTED, reason=reason)
    try:
        require_recorded_parent(context, plan)
        evaluated = _train_plan(context, plan, on_progress)
        plan_to_open = _plan_task_beside(context) if is_contradicted(evaluated) else None
        if plan_to_open is None:
            return evaluated
        return choose_after_drift(context, evaluated, _train_plan(context, plan_to_open, on_progress))
    except (Unavailable, LeaseLost):
        raise  # it may be there again later, or another worker has it: no fault of the window
    except GrowLearnError as error:
        return retry_or_give_up(context, error)


def _train_plan(context: StepContext, plan: GrowthPlan, on_progress: ProgressCallback) -> Transition:
    plan = _choose_augmentation(context, plan, on_progress)
    plan = _choose_hyperparameters(context, plan, on_progress)
    return _evaluate_trained(context, train_and_select(plan, context.job, context.ports, on_progress))


def _plan_task_beside(context: StepContext) -> GrowthPlan | None:
    """The plan of a task of its own for the rows of a correction; None where they are too few for one."""
    report = context.record.report
    assert report is not None, "a judged window has its report"
    assert report.task is not None, "a verdict that needs growth names the task"
    try:
        return plan_new_task(context, report.task)
    except CannotGrow:
        return None  # the gates decide about the correction


def _choose_augmentation(context: StepContext, plan: GrowthPlan, on_progress: ProgressCallback) -> GrowthPlan:
    """The plan with its augmentations, chosen once a stream where the job leaves them open."""
    manifest = plan.parent_manifest
    if plan.growth.augmentation != "auto" or not manifest.model.trains_on_pixels(manifest.schema):
        return plan
    chosen = None if context.parent is None else _first_plan(context, context.parent).growth.augmentation
    if isinstance(chosen, tuple):
        return replace(plan, growth=replace(plan.growth, augmentation=chosen))
    return choose_augmentation(plan, context.ports.engine, context.ports.models, on_progress)


def _choose_hyperparameters(
    context: StepContext, plan: GrowthPlan, on_progress: ProgressCallback
) -> GrowthPlan:
    """The best of the job's candidates; after a stream's first growth its learning rate is taken over."""
    config = context.job.hyperparameter_search
    if context.parent is None or config.scope == "all":
        return search_hyperparameters(plan, config, context.ports.engine, on_progress)
    first_plan = _first_plan(context, context.parent)
    if not first_plan.trials:
        return plan
    return replace(plan, growth=replace(plan.growth, learning_rate=first_plan.growth.learning_rate))


def _first_plan(context: StepContext, version: Version) -> GrowthPlan:
    """The plan of the first version that a version descends from."""
    root = get_ancestry(context.versions, version.number)[0]
    plan = context.record_of(root.window).plan
    assert isinstance(plan, GrowthPlan), "a first version was grown"
    return plan


def _chance_level(context: StepContext, plan: GrowthPlan) -> float | None:
    """What knowing nothing scores on the new task's hold-out by the job's metric; None for accuracy."""
    metric = METRICS[context.job.metric]
    if metric.is_accuracy:
        return None
    labels = context.ports.models.rows(plan.holdout, plan.parent_manifest.schema).select_labelled().labels
    positive = None if plan.positive_class is None else plan.classes.index(plan.positive_class)
    targets = class_indices(labels, plan.classes)
    return compute_chance_level(metric, targets, len(plan.classes), positive)


def _evaluate_trained(context: StepContext, trained: TrainedCandidate) -> Transition:
    plan, result, models = trained.plan, trained.result, context.ports.models
    holdouts = _make_holdout_requests(context, plan)
    candidate, initial = result.build_manifest(plan), result.build_initial_manifest(plan)
    evaluation = evaluate_candidate(
        candidate,
        initial,
        trained.single_task,
        trained.best_existing,
        plan.task,
        holdouts,
        context.evaluator,
        _chance_level(context, plan),
    )
    evaluation = replace(evaluation, refinement=score_refined_candidate(context, plan, candidate))
    if evaluation.routed:  # else there is nothing to lose, and no past to be read
        result, evaluation = replace_contradicted_tasks(context, plan, result, evaluation, holdouts)
    references = {task.name: task.reference_rows for task in context.known_tasks}
    changed_tasks = find_changed_tasks(
        models.network(plan.parent_manifest),
        models.network(candidate),
        {
            name: models.rows(sha256, candidate.schema)
            for name, sha256 in references.items()
            if name != plan.task  # a refined task is to change
        },
    )
    evaluation = replace(evaluation, changed_tasks=changed_tasks)
    references[plan.task] = plan.validation
    result = replace(
        result,
        check_logits=store_check_logits(candidate, references, models),
        check_device=describe_device(models.device),
    )
    return make_transition(
        context,
        WindowState.EVALUATED,
        plan=plan,
        result=result,
        evaluation=evaluation,
        model_selection=trained.model_selection,
    )


def _make_holdout_requests(context: StepContext, plan: GrowthPlan) -> list[EvalRequest]:
    """Every task's hold-out in the model's order, that of the plan's task from the plan."""
    own = EvalRequest(task=plan.task, rows=plan.holdout, positive_class=plan.positive_class)
    known = [
        own if task.name == plan.task else EvalRequest(task=task.name, rows=task.holdout)
        for task in context.known_tasks
    ]
    return known if plan.is_refinement else [*known, own]
