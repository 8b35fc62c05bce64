"""All metrics of every task of an evaluation, computed from its record and stored predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from growlearn.domain.evaluation import Evaluation, PredictionFlips, TaskScore
from growlearn.domain.schema import Label
from growlearn.evaluation.metrics.calibration import ReliabilityDiagram, compute_calibration
from growlearn.evaluation.metrics.confusion import (
    ClassMetrics,
    ConfusionMatrix,
    compute_class_metrics,
    compute_confusion_matrix,
)
from growlearn.evaluation.prediction_flips import count_flips, get_previous_scores
from growlearn.evaluation.predictions import load_predictions
from growlearn.ports import Artifacts


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskMetrics:
    """The metrics of a model on one task's hold-out rows.

    `confusion_matrix` [C + 1, C] is over its `classes`. `flips` are counted against `previous_score`: the
    parent model's score on the same rows, by the same task or, for a new task, by the best existing one.
    Metrics that need stored predictions are None without them. `routed_score` is the score with the rows
    routed instead of their task given, where it was computed. `positive_class` and `threshold` are those of
    the task's head.
    """

    task_score: TaskScore
    classes: tuple[Label, ...]
    confusion_matrix: ConfusionMatrix | None
    calibration: ReliabilityDiagram | None
    previous_score: TaskScore | None
    flips: PredictionFlips | None
    routed_score: TaskScore | None = None
    positive_class: Label | None = None
    threshold: float | None = None

    @property
    def task(self) -> str:
        """The task's name."""
        return self.task_score.task

    @property
    def class_metrics(self) -> tuple[ClassMetrics, ...] | None:
        """The metrics of each class against all others."""
        return (
            None
            if self.confusion_matrix is None
            else compute_class_metrics(self.confusion_matrix, self.classes)
        )


def compute_task_metrics(
    evaluation: Evaluation,
    previous_scores: Sequence[TaskScore],
    classes: Mapping[str, Sequence[Label]],
    artifacts: Artifacts,
) -> tuple[TaskMetrics, ...]:
    """Metrics of each task of an evaluation, in its order.

    `previous_scores` are those of the parent model, `classes` those of each task in the order of its logits.
    """
    previous_by_task = get_previous_scores(evaluation, previous_scores)
    routed_by_task = {task_score.task: task_score for task_score in evaluation.routed}
    return tuple(
        replace(
            _compute_for_task(
                task_score, previous_by_task.get(task_score.task), tuple(classes[task_score.task]), artifacts
            ),
            routed_score=routed_by_task.get(task_score.task),
        )
        for task_score in evaluation.task_scores
    )


def _compute_for_task(
    task_score: TaskScore, previous_score: TaskScore | None, classes: tuple[Label, ...], artifacts: Artifacts
) -> TaskMetrics:
    predictions = (
        None
        if task_score.logits_sha256 is None
        else load_predictions(artifacts.get(task_score.logits_sha256))
    )
    return TaskMetrics(
        task_score=task_score,
        classes=classes,
        confusion_matrix=None if predictions is None else compute_confusion_matrix(predictions),
        calibration=None if predictions is None else compute_calibration(predictions),
        previous_score=previous_score,
        flips=None if previous_score is None else count_flips(previous_score, task_score, artifacts),
    )
