"""A window's record as MLflow metrics, with the same timestamps however often it is logged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from mlflow.entities import Metric

from growlearn.adapters.mlflow.evaluation import make_evaluation_metrics
from growlearn.adapters.mlflow.tags_and_params import make_safe_names
from growlearn.domain.consolidation import ConsolidationResult
from growlearn.domain.drift import DriftReport, DriftTestResult
from growlearn.domain.growth import GrowthResult
from growlearn.domain.interval import wilson_interval
from growlearn.domain.metric import MetricName
from growlearn.evaluation.metrics.task_metrics import TaskMetrics
from growlearn.ports import WindowReport


def to_milliseconds(at: datetime) -> int:
    """Since the epoch, as MLflow counts time."""
    return round(at.timestamp() * 1000)


def make_curve_metrics(window_report: WindowReport) -> list[Metric]:
    """Losses by epoch and by prefix; the step is the epoch, or the number of branches."""
    result = window_report.record.result
    if result is None:
        return []
    start = to_milliseconds(window_report.window.discovered_at)
    ends = accumulate(epoch.seconds for epoch in result.epochs)
    metrics = [
        Metric(key, value, start + round(1000 * end), epoch.epoch)
        for epoch, end in zip(result.epochs, ends, strict=True)
        for key, value in (
            ("train_loss", epoch.train_loss),
            ("validation_loss", epoch.validation_loss),
            ("validation_accuracy", epoch.validation_accuracy),
            ("epoch_seconds", epoch.seconds),
            ("validation_value", epoch.validation_value),
        )
        if value is not None
    ]
    if isinstance(result, ConsolidationResult):
        return metrics
    prefixes = enumerate(result.prefix_losses, 1)
    metrics += [Metric("prefix_loss", loss, start, step) for step, loss in prefixes]
    return metrics + [
        Metric(key, value, start, step)
        for step, point in enumerate(result.prefix_curve)
        for key, value in (("prefix_curve_loss", point.loss), ("prefix_curve_accuracy", point.accuracy))
    ]


def make_window_metrics(
    window_report: WindowReport, tasks: Sequence[TaskMetrics], model_id: str | None
) -> list[Metric]:
    """Every metric with one value per window; also attached to the logged model, where there is one."""
    values: dict[str, float | None] = {
        "rows": window_report.window.rows,
        "quarantined_rows": window_report.window.quarantined_rows,
        **_make_drift_metrics(window_report.record.report),
        **_make_window_accuracy_metrics(window_report.record.report),
        **_make_growth_metrics(window_report.record.result),
        **_make_accuracy_metrics(window_report),
        **make_evaluation_metrics(tasks),
    }
    if window_report.version is not None:
        values["parameters"] = window_report.version.parameters
    at = to_milliseconds(window_report.window.discovered_at)
    return [
        Metric(key, float(value), at, 0, model_id=model_id)
        for key, value in values.items()
        if value is not None
    ]


def _make_drift_metrics(report: DriftReport | None) -> dict[str, float | None]:
    if report is None:
        return {}
    smallest: dict[str, DriftTestResult] = {}
    for result in report.test_results:
        if result.task not in smallest or result.p_value < smallest[result.task].p_value:
            smallest[result.task] = result
    names = make_safe_names(smallest)
    values: dict[str, float | None] = {}
    for task, result in smallest.items():
        values[f"drift_p_value/{names[task]}"] = result.p_value
        values[f"drift_statistic/{names[task]}"] = result.statistic
        values[f"drift_effect_size/{names[task]}"] = result.effect_size
    return values


def _make_window_accuracy_metrics(report: DriftReport | None) -> dict[str, float | None]:
    """How right the model was on a window that nothing was grown from, with the bounds of 95 %."""
    if report is None or report.correct is None or not report.labelled_rows:
        return {}
    interval = wilson_interval(report.correct, report.labelled_rows)
    return {
        "window_accuracy": report.correct / report.labelled_rows,
        "window_accuracy_low": interval.low,
        "window_accuracy_high": interval.high,
        "window_labelled_rows": report.labelled_rows,
    }


def _make_growth_metrics(result: GrowthResult | ConsolidationResult | None) -> dict[str, float | None]:
    if result is None:
        return {}
    return {
        "initial_loss": result.initial_loss,
        "best_loss": result.best_loss,
        "best_epoch": result.best_epoch,
        "train_rows": result.train_rows,
        "validation_rows": result.validation_rows,
        "train_seconds": result.seconds,
        "peak_memory_bytes": result.peak_memory_bytes,
        "new_parameters": result.parameters,
    }


def _make_accuracy_metrics(window_report: WindowReport) -> dict[str, float | None]:
    evaluation, matrix = window_report.record.evaluation, window_report.matrix
    if evaluation is None:
        return {}
    names = make_safe_names(score.task for score in evaluation.task_scores)
    values: dict[str, float | None] = {
        f"accuracy/{names[score.task]}": score.accuracy for score in evaluation.task_scores
    }
    values["accuracy_before_growth"] = evaluation.initial.accuracy
    for score in evaluation.task_scores:
        if score.metric is not MetricName.ACCURACY:
            values[f"{score.metric}/{names[score.task]}"] = score.value
    if not matrix.tasks:
        return values
    return values | {
        "average_accuracy": matrix.average_accuracy,
        f"average_{matrix.metric}": matrix.average_value,
        "backward_transfer": matrix.backward_transfer,
        "forward_transfer": matrix.forward_transfer,
        "forgetting": matrix.forgetting,
        "intransigence": matrix.intransigence,
    }
