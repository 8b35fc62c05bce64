"""Scores and counts as people read them."""

from __future__ import annotations

from growlearn.domain.evaluation import TaskScore
from growlearn.domain.metric import METRICS


def format_scored(task_score: TaskScore) -> str:
    """The score with the name of its metric."""
    if METRICS[task_score.metric].is_accuracy:
        return f"accuracy {format_accuracy(task_score)}"
    return f"{task_score.metric} {format_accuracy(task_score)}"


def format_accuracy(task_score: TaskScore) -> str:
    """The accuracy, or the value of another metric with the accuracy behind it."""
    accuracy = f"{format_percent(task_score.accuracy)} ({task_score.correct} of {task_score.rows})"
    metric = METRICS[task_score.metric]
    if metric.is_accuracy:
        return accuracy
    return f"{metric.format_value(task_score.value)}, accuracy {accuracy}"


def format_percent(fraction: float) -> str:
    """A share in per cent.

    >>> format_percent(0.9126)
    '91.26 %'
    """
    return f"{100 * fraction:.2f} %"


def format_branch_count(count: int) -> str:
    """A number of branches in words."""
    return "1 branch" if count == 1 else f"{count} branches"
