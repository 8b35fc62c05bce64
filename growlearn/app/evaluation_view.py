"""An evaluation as plain data with the documented keys; read from the store, no model is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from growlearn.app.views import interval_view
from growlearn.domain.lineage import Version
from growlearn.domain.metric import MetricName
from growlearn.evaluation.metrics.calibration import CalibrationBin
from growlearn.evaluation.metrics.confusion import ClassMetrics
from growlearn.evaluation.metrics.task_metrics import TaskMetrics

if TYPE_CHECKING:
    from growlearn.evaluation.prequential import PrequentialResult, WindowScore  # it imports torch

EvaluationView = Mapping[str, Any]


def evaluation_view(
    stream: str, version: Version | None, tasks: Sequence[TaskMetrics], prequential: PrequentialResult | None
) -> EvaluationView:
    """All metrics of the given tasks of a version, and the prequential score where it was computed."""
    return {
        "stream": stream,
        "version": None if version is None else version.number,
        "parent": None if version is None else version.parent,
        "tasks": [_task_view(metrics) for metrics in tasks],
        "prequential": None if prequential is None else prequential_view(prequential),
    }


def _task_view(metrics: TaskMetrics) -> EvaluationView:
    score, classes, calibration = metrics.task_score, metrics.class_metrics, metrics.calibration
    return {
        "task": metrics.task,
        "rows": score.rows,
        "correct": score.correct,
        "accuracy": score.accuracy,
        "interval": interval_view(score.interval),
        "routed_accuracy": None if metrics.routed_score is None else metrics.routed_score.accuracy,
        "calibration_error": None if calibration is None else calibration.ece,
        **_flips_view(metrics),
        "classes": None if classes is None else [_class_view(item) for item in classes],
        "confusion": None if metrics.confusion_matrix is None else metrics.confusion_matrix.tolist(),
        "reliability": None if calibration is None else [_bin_view(item) for item in calibration.bins],
        "metric": score.metric.value,
        "value": score.value,
        "routed_value": None if metrics.routed_score is None else metrics.routed_score.value,
        "positive_class": metrics.positive_class,
        "threshold": metrics.threshold,
    }


def _flips_view(metrics: TaskMetrics) -> EvaluationView:
    flips, before = metrics.flips, metrics.previous_score
    return {
        "flips_against": None if flips is None or before is None else before.task,
        "negative_flips": None if flips is None else flips.negative_count,
        "negative_flip_rate": None if flips is None else flips.negative_rate,
        "positive_flips": None if flips is None else flips.positive_count,
        "positive_flip_rate": None if flips is None else flips.positive_rate,
    }


def _class_view(metrics: ClassMetrics) -> EvaluationView:
    return {
        "class": metrics.label,
        "rows": metrics.rows,
        "accuracy": metrics.accuracy,
        "precision": metrics.precision,
        "recall": metrics.recall,
        "f1": metrics.f1,
    }


def _bin_view(point: CalibrationBin) -> EvaluationView:
    return {
        "above": point.low,
        "up_to": point.high,
        "rows": point.rows,
        "confidence": point.confidence,
        "accuracy": point.accuracy,
    }


def prequential_view(result: PrequentialResult) -> EvaluationView:
    """The prequential score, per window and over all windows."""
    return {
        "accuracy": result.accuracy,
        "interval": interval_view(result.interval),
        "mean_accuracy": result.mean_accuracy,
        "rows": result.rows,
        "windows": [_window_score_view(score, result.metric) for score in result.windows],
        "excluded": [{"window": window, "reason": reason} for window, reason in result.excluded.items()],
        "metric": result.metric.value,
        "value": result.value,
        "undefined": list(result.undefined),
    }


def _window_score_view(score: WindowScore, metric: MetricName) -> EvaluationView:
    return {
        "window": score.window.id,
        "task": score.window.task,
        "version": score.version,
        "rows": score.rows,
        "correct": score.correct,
        "unanswered": score.unanswered,
        "accuracy": score.accuracy,
        "interval": interval_view(score.interval),
        "value": score.accuracy if metric is MetricName.ACCURACY else score.metric_value,
    }
