"""Rows that are routed, as they name no task or one of several versions, must still be answered well."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.evaluation import (
    Evaluation,
    GateResult,
    TaskReplacement,
    TaskScore,
    common_metric,
)
from growlearn.domain.job import GateConfig
from growlearn.domain.lineage import is_routed_by_name
from growlearn.domain.metric import ACCURACY, Metric, MetricName
from growlearn.domain.printable import list_names
from growlearn.evaluation.gates.gate_input import TOLERANCE, GateInput


def routed_accuracy(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Largest drop of an earlier task, by the job's metric, with its rows routed.

    At most max_routed_accuracy_drop. An average precision drops by that share of its value: of a rare class
    it may be smaller than any bound. Log loss is replaced by accuracy: a row that reaches a head without its
    class would count for a hundred others. The router cannot separate two tasks with equal inputs and
    different labels: a window with permuted labels would take rows from the task that it contradicts. A
    replaced task gets no rows and cannot drop.
    """
    drops = routed_accuracy_drops(gate_input.evaluation, gate_input.past_evaluations)
    worst = max(drops, key=drops.__getitem__, default=None)
    value = 0.0 if worst is None else drops[worst]
    return GateResult(
        gate="routed_accuracy",
        value=value,
        threshold=config.max_routed_accuracy_drop,
        passed=value <= config.max_routed_accuracy_drop + TOLERANCE,
        reason=_format_reason(gate_input, worst),
    )


def routed_accuracy_drops(evaluation: Evaluation, past_evaluations: Sequence[Evaluation]) -> dict[str, float]:
    """The drop of each earlier task's routed score against the version before, by the job's metric.

    `past_evaluations` are those of the versions that the candidate grew from, oldest first. A refinement
    leaves the router as it is, so the refined task, whose hold-out rows are others now, has no drop.
    """
    before = _previous_scores(evaluation, past_evaluations)
    now = _score_by_task(evaluation.routed)
    refined = None if evaluation.refinement is None else evaluation.task
    compared = [task for task in before if task in now and task != refined]
    return {task: routed_drop(before[task], now[task]) for task in compared}


def routed_drop(before: TaskScore, now: TaskScore) -> float:
    """By how much a score is worse: by accuracy for log loss, by a share of an average precision."""
    metric = _routed_metric(before, now)
    value = before.value_by(metric)
    drop = metric.merit(value) - metric.merit(now.value_by(metric))
    return drop / value if metric.name is MetricName.AVERAGE_PRECISION and value > 0 else drop


def _routed_metric(before: TaskScore, now: TaskScore) -> Metric:
    metric = common_metric(now, before)
    is_loss = metric.name is MetricName.LOG_LOSS and now.value != metric.worst  # else they are no numbers
    return ACCURACY if is_loss else metric


def _previous_scores(evaluation: Evaluation, past_evaluations: Sequence[Evaluation]) -> dict[str, TaskScore]:
    """Routed scores of the parent model; plain ones of tasks whose rows it did not route.

    Release 0.1.0 did not score the versions of a named task with their rows routed: there is none of these.
    """
    if not past_evaluations:
        return _score_by_task(evaluation.teacher)
    parent = past_evaluations[-1]
    names = [score.task for score in parent.task_scores]
    plain = [score for score in parent.task_scores if not is_routed_by_name(score.task, names)]
    return _score_by_task((*plain, *parent.routed))


def _format_reason(gate_input: GateInput, worst: str | None) -> str:
    before = _previous_scores(gate_input.evaluation, gate_input.past_evaluations)
    now = _score_by_task(gate_input.evaluation.routed)
    reason = "no rows have to be routed"
    if worst is not None:
        metric = _routed_metric(before[worst], now[worst])
        after, previous = (
            metric.format_value(score.value_by(metric)) for score in (now[worst], before[worst])
        )
        note = now[worst].fallback_note(common_metric(now[worst], before[worst]))
        reason = f"routed {metric.name} of task {worst!r}: {after}, {previous} before{note}"
    replacement = gate_input.evaluation.replacement
    if replacement is None:
        return reason
    replaced_tasks = list_names(replacement.tasks)
    confirmations = _format_confirmations(replacement)
    return f"{reason}; {gate_input.evaluation.task!r} replaces {replaced_tasks}: {confirmations}"


def _format_confirmations(replacement: TaskReplacement) -> str:
    pairs = zip(replacement.windows, replacement.task_scores, strict=True)
    return ", ".join(
        f"{task_score.describe(common_metric(task_score))} on {window}" for window, task_score in pairs
    )


def _score_by_task(task_scores: Sequence[TaskScore]) -> dict[str, TaskScore]:
    return {task_score.task: task_score for task_score in task_scores}
