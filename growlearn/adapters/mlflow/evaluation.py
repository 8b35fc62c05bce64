"""An evaluation in full as metrics and files of a window's run, worked out from the stored answers."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.adapters.mlflow.encoding import table
from growlearn.adapters.mlflow.evaluation_pictures import (
    accuracy_picture,
    confusion_picture,
    reliability_picture,
)
from growlearn.adapters.mlflow.facts import safe_names
from growlearn.domain.evaluation import AccuracyMatrix
from growlearn.evaluation.figures.task import TaskFigures, figures_of
from growlearn.ports import Artifacts, CycleRecord
from growlearn.registry.candidate import classes_of

TABLES = tuple(
    f"evaluation/{name}.json" for name in ("tasks", "matrix", "classes", "confusion", "reliability")
)
"""Which of the files are tables."""
UNKNOWN = "no class of the task"
"""What labels are called that are none of their task's classes."""


def measured(record: CycleRecord, artifacts: Artifacts) -> tuple[TaskFigures, ...]:
    """Figures of each task the window's candidate answered; none where nothing was evaluated."""
    plan, evaluation = record.record.plan, record.record.evaluation
    if plan is None or evaluation is None:
        return ()
    return figures_of(evaluation, record.base_cells, classes_of(plan), artifacts)


def evaluation_metrics(tasks: Sequence[TaskFigures]) -> dict[str, float]:
    """What is one number a task."""
    names = safe_names(each.task for each in tasks)
    values: dict[str, float] = {}
    for each in tasks:
        name, interval = names[each.task], each.cell.interval
        values |= {f"accuracy_low/{name}": interval.low, f"accuracy_high/{name}": interval.high}
        if each.routed is not None:
            values[f"accuracy_routed/{name}"] = each.routed.accuracy
        if each.calibration is not None:
            values[f"calibration_error/{name}"] = each.calibration.error
        if each.flips is not None:
            values[f"negative_flip_rate/{name}"] = each.flips.negative
            values[f"positive_flip_rate/{name}"] = each.flips.positive
    return values


def evaluation_files(tasks: Sequence[TaskFigures], newest: str, matrix: AccuracyMatrix) -> dict[str, bytes]:
    """Tables of all tasks; pictures of all accuracies, and of what the newest task's answers were like."""
    files = {
        "evaluation/tasks.json": _tasks(tasks),
        "evaluation/matrix.json": _matrix(matrix),
        "evaluation/accuracy.png": accuracy_picture(tasks),
    }
    answered = [each for each in tasks if each.counts is not None]
    if answered:
        files["evaluation/classes.json"] = _classes(answered)
        files["evaluation/confusion.json"] = _confusion(answered)
        files["evaluation/reliability.json"] = _reliability(answered)
    for each in answered:
        if each.task == newest:
            files["evaluation/confusion.png"] = confusion_picture(each, UNKNOWN)
            files["evaluation/reliability.png"] = reliability_picture(each)
    return files


def _tasks(tasks: Sequence[TaskFigures]) -> bytes:
    counted = ["negative_flips", "positive_flips", "flips_against"]
    return table(
        ["task", "rows", "correct", "accuracy", "low", "high", "routed", "calibration_error", *counted],
        [
            [
                each.task,
                each.cell.rows,
                each.cell.correct,
                each.cell.accuracy,
                each.cell.interval.low,
                each.cell.interval.high,
                None if each.routed is None else each.routed.accuracy,
                None if each.calibration is None else each.calibration.error,
                *_flips(each),
            ]
            for each in tasks
        ],
    )


def _flips(figures: TaskFigures) -> tuple[int | None, int | None, str | None]:
    if figures.flips is None or figures.before is None:
        return None, None, None
    return figures.flips.lost, figures.flips.gained, figures.before.task


def _matrix(matrix: AccuracyMatrix) -> bytes:
    rows = [
        [after, task, accuracy, interval.low, interval.high]
        for after, row, spans in zip(matrix.tasks, matrix.accuracy, matrix.intervals, strict=True)
        for task, accuracy, interval in zip(matrix.tasks, row, spans, strict=True)
        if interval is not None
    ]
    return table(["after", "task", "accuracy", "low", "high"], rows)


def _classes(tasks: Sequence[TaskFigures]) -> bytes:
    return table(
        ["task", "class", "rows", "accuracy", "precision", "recall", "f1"],
        [
            [each.task, one.label, one.rows, one.accuracy, one.precision, one.recall, one.f1]
            for each in tasks
            for one in each.per_class or ()
        ],
    )


def _confusion(tasks: Sequence[TaskFigures]) -> bytes:
    rows = []
    for each in tasks:
        assert each.counts is not None
        truths = (*each.classes, UNKNOWN)
        for at, answer in zip(*each.counts.nonzero(), strict=True):
            rows.append([each.task, truths[at], each.classes[answer], int(each.counts[at, answer])])
    return table(["task", "true", "answered", "rows"], rows)


def _reliability(tasks: Sequence[TaskFigures]) -> bytes:
    return table(
        ["task", "above", "up_to", "rows", "confidence", "accuracy"],
        [
            [each.task, one.low, one.high, one.rows, one.confidence, one.accuracy]
            for each in tasks
            if each.calibration is not None
            for one in each.calibration.bins
        ],
    )
