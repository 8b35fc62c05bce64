"""A full evaluation as metrics and files of a window's run, computed from the stored predictions."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.adapters.mlflow.encoding import encode_table
from growlearn.adapters.mlflow.evaluation_plots import plot_confusion, plot_reliability, plot_task_accuracy
from growlearn.adapters.mlflow.tags_and_params import make_safe_names
from growlearn.domain.evaluation import AccuracyMatrix
from growlearn.evaluation.metrics.task_metrics import TaskMetrics, compute_task_metrics
from growlearn.ports import Artifacts, WindowReport
from growlearn.registry.records import get_task_classes

EVALUATION_TABLES = tuple(
    f"evaluation/{name}.json" for name in ("tasks", "matrix", "classes", "confusion", "reliability")
)
"""Which of the files are tables."""
UNKNOWN_CLASS = "no class of the task"
"""The name of labels that are not among their task's classes."""


def compute_evaluated_metrics(window_report: WindowReport, artifacts: Artifacts) -> tuple[TaskMetrics, ...]:
    """Metrics of each task the window's candidate was evaluated on; empty where nothing was evaluated."""
    plan, evaluation = window_report.record.plan, window_report.record.evaluation
    if plan is None or evaluation is None:
        return ()
    return compute_task_metrics(
        evaluation, window_report.parent_task_scores, get_task_classes(plan), artifacts
    )


def make_evaluation_metrics(tasks: Sequence[TaskMetrics]) -> dict[str, float]:
    """Every metric with one value per task."""
    names = make_safe_names(task_metrics.task for task_metrics in tasks)
    values: dict[str, float] = {}
    for task_metrics in tasks:
        name, interval = names[task_metrics.task], task_metrics.task_score.interval
        values |= {f"accuracy_low/{name}": interval.low, f"accuracy_high/{name}": interval.high}
        if task_metrics.routed_score is not None:
            values[f"accuracy_routed/{name}"] = task_metrics.routed_score.accuracy
        if task_metrics.calibration is not None:
            values[f"calibration_error/{name}"] = task_metrics.calibration.ece
        if task_metrics.flips is not None:
            values[f"negative_flip_rate/{name}"] = task_metrics.flips.negative_rate
            values[f"positive_flip_rate/{name}"] = task_metrics.flips.positive_rate
    return values


def make_evaluation_files(
    tasks: Sequence[TaskMetrics], newest_task: str, matrix: AccuracyMatrix
) -> dict[str, bytes]:
    """Tables of all tasks; plots of all accuracies, and of the newest task's confusion and calibration."""
    files = {
        "evaluation/tasks.json": _encode_tasks(tasks),
        "evaluation/matrix.json": _encode_matrix(matrix),
        "evaluation/accuracy.png": plot_task_accuracy(tasks),
    }
    with_counts = [task_metrics for task_metrics in tasks if task_metrics.confusion_matrix is not None]
    if with_counts:
        files["evaluation/classes.json"] = _encode_classes(with_counts)
        files["evaluation/confusion.json"] = _encode_confusion(with_counts)
        files["evaluation/reliability.json"] = _encode_reliability(with_counts)
    for task_metrics in with_counts:
        if task_metrics.task == newest_task:
            files["evaluation/confusion.png"] = plot_confusion(task_metrics, UNKNOWN_CLASS)
            files["evaluation/reliability.png"] = plot_reliability(task_metrics)
    return files


def _encode_tasks(tasks: Sequence[TaskMetrics]) -> bytes:
    flip_columns = ["negative_flips", "positive_flips", "flips_against"]
    return encode_table(
        ["task", "rows", "correct", "accuracy", "low", "high", "routed", "calibration_error", *flip_columns],
        [
            [
                task_metrics.task,
                task_metrics.task_score.rows,
                task_metrics.task_score.correct,
                task_metrics.task_score.accuracy,
                task_metrics.task_score.interval.low,
                task_metrics.task_score.interval.high,
                None if task_metrics.routed_score is None else task_metrics.routed_score.accuracy,
                None if task_metrics.calibration is None else task_metrics.calibration.ece,
                *_make_flip_cells(task_metrics),
            ]
            for task_metrics in tasks
        ],
    )


def _make_flip_cells(task_metrics: TaskMetrics) -> tuple[int | None, int | None, str | None]:
    if task_metrics.flips is None or task_metrics.previous_score is None:
        return None, None, None
    return (
        task_metrics.flips.negative_count,
        task_metrics.flips.positive_count,
        task_metrics.previous_score.task,
    )


def _encode_matrix(matrix: AccuracyMatrix) -> bytes:
    rows = [
        [after, task, accuracy, interval.low, interval.high]
        for after, row, intervals in zip(matrix.tasks, matrix.accuracy, matrix.intervals, strict=True)
        for task, accuracy, interval in zip(matrix.tasks, row, intervals, strict=True)
        if interval is not None
    ]
    return encode_table(["after", "task", "accuracy", "low", "high"], rows)


def _encode_classes(tasks: Sequence[TaskMetrics]) -> bytes:
    return encode_table(
        ["task", "class", "rows", "accuracy", "precision", "recall", "f1"],
        [
            [
                task_metrics.task,
                class_metrics.label,
                class_metrics.rows,
                class_metrics.accuracy,
                class_metrics.precision,
                class_metrics.recall,
                class_metrics.f1,
            ]
            for task_metrics in tasks
            for class_metrics in task_metrics.class_metrics or ()
        ],
    )


def _encode_confusion(tasks: Sequence[TaskMetrics]) -> bytes:
    rows = []
    for task_metrics in tasks:
        assert task_metrics.confusion_matrix is not None
        true_labels = (*task_metrics.classes, UNKNOWN_CLASS)
        for true_index, predicted_index in zip(*task_metrics.confusion_matrix.nonzero(), strict=True):
            rows.append(
                [
                    task_metrics.task,
                    true_labels[true_index],
                    task_metrics.classes[predicted_index],
                    int(task_metrics.confusion_matrix[true_index, predicted_index]),
                ]
            )
    return encode_table(["task", "true", "predicted", "rows"], rows)


def _encode_reliability(tasks: Sequence[TaskMetrics]) -> bytes:
    return encode_table(
        ["task", "above", "up_to", "rows", "confidence", "accuracy"],
        [
            [
                task_metrics.task,
                calibration_bin.low,
                calibration_bin.high,
                calibration_bin.rows,
                calibration_bin.confidence,
                calibration_bin.accuracy,
            ]
            for task_metrics in tasks
            if task_metrics.calibration is not None
            for calibration_bin in task_metrics.calibration.bins
        ],
    )
