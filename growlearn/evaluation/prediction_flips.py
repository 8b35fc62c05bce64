"""Prediction flips: rows that only the parent model, or only the candidate, predicts correctly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from growlearn.domain.evaluation import Evaluation, PredictionFlips, TaskScore
from growlearn.evaluation.predictions import load_predictions
from growlearn.ports import Artifacts


def count_flips(before: TaskScore, after: TaskScore, artifacts: Artifacts) -> PredictionFlips | None:
    """Flips between two predictions of the same rows; None where either is not stored.

    Users of a better model notice negative flips (Yan et al., "Positive-Congruent Training", 2021).
    """
    if before.logits_sha256 is None or after.logits_sha256 is None:
        return None
    if before.logits_sha256 == after.logits_sha256:
        return PredictionFlips(task=after.task, negative_count=0, positive_count=0, rows=after.rows)
    old = load_predictions(artifacts.get(before.logits_sha256)).correct
    new = load_predictions(artifacts.get(after.logits_sha256)).correct
    if len(old) != len(new):
        return None  # a new task with this name has other rows
    return PredictionFlips(
        task=after.task,
        negative_count=int((old & ~new).sum()),
        positive_count=int((new & ~old).sum()),
        rows=len(new),
    )


def get_previous_scores(evaluation: Evaluation, past_scores: Iterable[TaskScore]) -> dict[str, TaskScore]:
    """By task, the latest score of the versions that a candidate grew from.

    For the new task it is the score of the best existing task, if any could predict its classes.
    """
    before = {task_score.task: task_score for task_score in (*past_scores, *evaluation.teacher)}
    if evaluation.best_existing is not None:
        before[evaluation.task] = evaluation.best_existing
    return before


def count_candidate_flips(
    evaluation: Evaluation, past_evaluations: Sequence[Evaluation], artifacts: Artifacts
) -> tuple[PredictionFlips, ...]:
    """Flips of a candidate against the model it grew from, task by task.

    A new task is compared with the best existing task and has no flips without one. `past_evaluations` are
    those of the versions that the candidate grew from, oldest first.
    """
    before = get_previous_scores(
        evaluation, [task_score for item in past_evaluations for task_score in item.task_scores]
    )
    pairs = [
        (before[task_score.task], task_score)
        for task_score in evaluation.task_scores
        if task_score.task in before
    ]
    flips = [count_flips(old, new, artifacts) for old, new in pairs]
    return tuple(item for item in flips if item is not None)
