"""A cycle's record as MLflow metrics, with times that are the same however often it is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from mlflow.entities import Metric

from growlearn.adapters.mlflow.evaluation import evaluation_metrics
from growlearn.adapters.mlflow.facts import safe_names
from growlearn.domain.consolidation import ConsolidationResult
from growlearn.domain.drift import DriftReport, Score
from growlearn.domain.growth import GrowthResult
from growlearn.evaluation.figures.task import TaskFigures
from growlearn.ports import CycleRecord


def milliseconds(at: datetime) -> int:
    """Since the epoch, as MLflow counts time."""
    return round(at.timestamp() * 1000)


def curves(record: CycleRecord) -> list[Metric]:
    """Losses by epoch and by prefix; the step is the epoch, or the number of branches."""
    result = record.record.result
    if result is None:
        return []
    start = milliseconds(record.window.discovered_at)
    ends = accumulate(epoch.seconds for epoch in result.epochs)
    metrics = [
        Metric(key, value, start + round(1000 * end), epoch.epoch)
        for epoch, end in zip(result.epochs, ends, strict=True)
        for key, value in (
            ("train_loss", epoch.train_loss),
            ("validation_loss", epoch.validation_loss),
            ("validation_accuracy", epoch.validation_accuracy),
            ("epoch_seconds", epoch.seconds),
        )
    ]
    if isinstance(result, ConsolidationResult):
        return metrics
    prefixes = enumerate(result.prefix_losses, 1)
    metrics += [Metric("prefix_loss", loss, start, step) for step, loss in prefixes]
    return metrics + [
        Metric(key, value, start, step)
        for step, point in enumerate(result.approximation)
        for key, value in (("approximation_loss", point.loss), ("approximation_accuracy", point.accuracy))
    ]


def figures(record: CycleRecord, tasks: Sequence[TaskFigures], model_id: str | None) -> list[Metric]:
    """Everything that is one number a window; shown with the logged model too, where there is one."""
    values: dict[str, float | None] = {
        "rows": record.window.rows,
        "quarantined_rows": record.window.quarantined_rows,
        **_drift(record.record.report),
        **_growth(record.record.result),
        **_evaluation(record),
        **evaluation_metrics(tasks),
    }
    if record.version is not None:
        values["parameters"] = record.version.parameters
    at = milliseconds(record.window.discovered_at)
    return [
        Metric(key, float(value), at, 0, model_id=model_id)
        for key, value in values.items()
        if value is not None
    ]


def _drift(report: DriftReport | None) -> dict[str, float | None]:
    if report is None:
        return {}
    smallest: dict[str, Score] = {}
    for score in report.scores:
        if score.task not in smallest or score.p_value < smallest[score.task].p_value:
            smallest[score.task] = score
    names = safe_names(smallest)
    values: dict[str, float | None] = {}
    for task, score in smallest.items():
        values[f"drift_p_value/{names[task]}"] = score.p_value
        values[f"drift_statistic/{names[task]}"] = score.statistic
        values[f"drift_effect/{names[task]}"] = score.effect
    return values


def _growth(result: GrowthResult | ConsolidationResult | None) -> dict[str, float | None]:
    if result is None:
        return {}
    return {
        "birth_loss": result.birth_loss,
        "best_loss": result.best_loss,
        "best_epoch": result.best_epoch,
        "train_rows": result.train_rows,
        "validation_rows": result.validation_rows,
        "train_seconds": result.seconds,
        "peak_memory_bytes": result.peak_memory_bytes,
        "new_parameters": result.parameters,
    }


def _evaluation(record: CycleRecord) -> dict[str, float | None]:
    evaluation, matrix = record.record.evaluation, record.matrix
    if evaluation is None:
        return {}
    names = safe_names(cell.task for cell in evaluation.cells)
    values: dict[str, float | None] = {
        f"accuracy/{names[cell.task]}": cell.accuracy for cell in evaluation.cells
    }
    values["accuracy_before_growth"] = evaluation.before.accuracy
    if not matrix.tasks:
        return values
    return values | {
        "average_accuracy": matrix.average_accuracy,
        "backward_transfer": matrix.backward_transfer,
        "forward_transfer": matrix.forward_transfer,
        "forward_transfer_alone": matrix.forward_transfer_alone,
        "forgetting": matrix.forgetting,
        "intransigence": matrix.intransigence,
    }
