"""What an evaluation says in full, as plain data with the documented keys; from the record alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from growlearn.app.views import interval_view
from growlearn.domain.lineage import Version
from growlearn.evaluation.figures.calibration import Bin
from growlearn.evaluation.figures.confusion import ClassFigures
from growlearn.evaluation.figures.task import TaskFigures

if TYPE_CHECKING:
    from growlearn.serving.life import Life, Lived  # it imports torch

View = Mapping[str, Any]


def evaluation_view(
    stream: str, version: Version | None, tasks: Sequence[TaskFigures], life: Life | None
) -> View:
    """Every figure of some tasks of a version, and of the stream's life where it was asked for."""
    return {
        "stream": stream,
        "version": None if version is None else version.number,
        "parent": None if version is None else version.parent,
        "tasks": [_task(figures) for figures in tasks],
        "life": None if life is None else life_view(life),
    }


def _task(figures: TaskFigures) -> View:
    cell, classes, found = figures.cell, figures.per_class, figures.calibration
    return {
        "task": figures.task,
        "rows": cell.rows,
        "correct": cell.correct,
        "accuracy": cell.accuracy,
        "interval": interval_view(cell.interval),
        "routed_accuracy": None if figures.routed is None else figures.routed.accuracy,
        "calibration_error": None if found is None else found.error,
        **_flips(figures),
        "classes": None if classes is None else [_class(each) for each in classes],
        "confusion": None if figures.counts is None else figures.counts.tolist(),
        "reliability": None if found is None else [_bin(each) for each in found.bins],
    }


def _flips(figures: TaskFigures) -> View:
    flips, before = figures.flips, figures.before
    return {
        "flips_against": None if flips is None or before is None else before.task,
        "negative_flips": None if flips is None else flips.lost,
        "negative_flip_rate": None if flips is None else flips.negative,
        "positive_flips": None if flips is None else flips.gained,
        "positive_flip_rate": None if flips is None else flips.positive,
    }


def _class(figures: ClassFigures) -> View:
    return {
        "class": figures.label,
        "rows": figures.rows,
        "accuracy": figures.accuracy,
        "precision": figures.precision,
        "recall": figures.recall,
        "f1": figures.f1,
    }


def _bin(point: Bin) -> View:
    return {
        "above": point.low,
        "up_to": point.high,
        "rows": point.rows,
        "confidence": point.confidence,
        "accuracy": point.accuracy,
    }


def life_view(life: Life) -> View:
    """The composite score, window by window and over all of them."""
    return {
        "accuracy": life.accuracy,
        "interval": interval_view(life.interval),
        "mean_accuracy": life.mean_accuracy,
        "rows": life.rows,
        "windows": [_lived(lived) for lived in life.windows],
        "left_out": [{"window": window, "reason": reason} for window, reason in life.left_out.items()],
    }


def _lived(lived: Lived) -> View:
    return {
        "window": lived.window.id,
        "task": lived.window.task,
        "version": lived.version,
        "rows": lived.rows,
        "correct": lived.correct,
        "unanswered": lived.unanswered,
        "accuracy": lived.accuracy,
        "interval": interval_view(lived.interval),
    }
