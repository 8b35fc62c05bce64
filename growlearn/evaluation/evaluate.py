"""From a model and every task's hold-out rows to one row of the accuracy matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import Evaluation, TaskScore, common_metric
from growlearn.domain.lineage import Manifest, is_routed_by_name
from growlearn.domain.schema import Label
from growlearn.ports import EvalRequest, Evaluator


def evaluate_candidate(
    candidate: Manifest,
    initial: Manifest,
    single_task: Manifest | None,
    best_existing: TaskScore | None,
    task: str,
    holdouts: Sequence[EvalRequest],
    evaluator: Evaluator,
    metric_chance_level: float | None = None,
) -> Evaluation:
    """Score the candidate on every hold-out, one request per task.

    `initial` is the candidate before training and `single_task` a model trained on the new task only; both
    are scored on the new task. `best_existing` is the score of the parent model's best task on the new task's
    rows. The chance level is 1/C for the new task's C classes, `metric_chance_level` that of a metric other
    than accuracy. Raises GrowLearnError where a hold-out has no
    labelled row.
    """
    new_task_request = next((request for request in holdouts if request.task == task), None)
    if new_task_request is None:
        raise GrowLearnError(f"task {task!r} has no hold-out rows to be evaluated on")
    task_scores = tuple(
        _require_labelled_rows(task_score) for task_score in evaluator.evaluate(candidate, holdouts)
    )
    (initial_score,) = evaluator.evaluate(initial, [new_task_request])
    single_task_score = (
        None
        if single_task is None
        else _require_labelled_rows(evaluator.evaluate(single_task, [new_task_request])[0])
    )
    classes = candidate.task(task).classes
    return Evaluation(
        task=task,
        task_scores=task_scores,
        initial=_require_labelled_rows(initial_score),
        chance_level=1 / len(classes),
        best_existing=best_existing,
        single_task=single_task_score,
        routed=evaluate_routed(candidate, holdouts, evaluator),
        metric_chance_level=metric_chance_level,
    )


def evaluate_consolidated(
    candidate: Manifest, teacher: Manifest, holdouts: Sequence[EvalRequest], evaluator: Evaluator
) -> Evaluation:
    """Score a consolidated candidate and its teacher on every hold-out.

    Raises GrowLearnError where a hold-out has no labelled row.
    """
    task_scores = tuple(
        _require_labelled_rows(task_score) for task_score in evaluator.evaluate(candidate, holdouts)
    )
    teacher_scores = tuple(evaluator.evaluate(teacher, holdouts))
    newest_task = teacher.tasks[-1]
    return Evaluation(
        task=newest_task.name,
        task_scores=task_scores,
        initial=next(task_score for task_score in teacher_scores if task_score.task == newest_task.name),
        chance_level=1 / len(newest_task.classes),
        teacher=teacher_scores,
        routed=evaluate_routed(candidate, holdouts, evaluator),
    )


def score_best_existing_task(
    parent_manifest: Manifest,
    classes: Sequence[Label],
    rows: str,
    evaluator: Evaluator,
    positive_class: Label | None = None,
) -> TaskScore | None:
    """The best score of a routable task with all of these classes on stored rows; None without one.

    `positive_class` is that of the rows' own task.
    """
    matching_tasks = [
        name
        for name in parent_manifest.routable_tasks
        if set(classes) <= set(parent_manifest.task(name).classes)
    ]
    requests = [EvalRequest(task=name, rows=rows, positive_class=positive_class) for name in matching_tasks]
    task_scores = evaluator.evaluate(parent_manifest, requests) if requests else ()
    metric = common_metric(*task_scores)
    return max(task_scores, key=lambda score: metric.merit(score.value_by(metric)), default=None)


def evaluate_routed(
    manifest: Manifest, holdouts: Sequence[EvalRequest], evaluator: Evaluator
) -> tuple[TaskScore, ...]:
    """Scores on the hold-out of every task whose rows are routed when they are served, as they are then.

    Without a task column those are all routable tasks where there are several; with one, a task that has
    later versions, and these: their rows name the task, and any of them may answer.
    """
    routed_tasks = _find_routed_tasks(manifest)
    requests = [replace(request, routed=True) for request in holdouts if request.task in routed_tasks]
    return tuple(evaluator.evaluate(manifest, requests)) if requests else ()


def _find_routed_tasks(manifest: Manifest) -> tuple[str, ...]:
    if manifest.schema.task is None:
        return manifest.routable_tasks if len(manifest.routable_tasks) > 1 else ()
    names = tuple(head.name for head in manifest.tasks)
    return tuple(name for name in names if is_routed_by_name(name, names))


def _require_labelled_rows(task_score: TaskScore) -> TaskScore:
    if task_score.rows == 0:
        raise GrowLearnError(
            f"the hold-out of task {task_score.task!r} has no labelled row",
            hint="send more rows at once, or raise holdout in the job file",
        )
    return task_score
