from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from growlearn.adapters.mlflow.evaluation_plots import plot_confusion, plot_reliability, plot_task_accuracy
from growlearn.domain.evaluation import TaskScore
from growlearn.domain.schema import Label
from growlearn.evaluation.metrics.calibration import compute_calibration
from growlearn.evaluation.metrics.confusion import compute_confusion_matrix
from growlearn.evaluation.metrics.task_metrics import TaskMetrics
from growlearn.evaluation.predictions import Predictions
from tests.unit.evaluation.metrics.strategies import predictions


def make_metrics(
    predictions: Predictions, task: str = "t", classes: tuple[Label, ...] | None = None
) -> TaskMetrics:
    rows, correct = len(predictions.targets), int(predictions.correct.sum())
    return TaskMetrics(
        task_score=TaskScore(task=task, correct=correct, rows=rows),
        classes=tuple(range(predictions.logits.shape[1])) if classes is None else classes,
        confusion_matrix=compute_confusion_matrix(predictions),
        calibration=compute_calibration(predictions),
        previous_score=TaskScore(task=task, correct=0, rows=rows),
        flips=None,
    )


def make_predictions(count: int) -> Predictions:
    logits = np.eye(count, dtype=np.float32)
    return Predictions(logits, np.roll(np.arange(count), 1))


def is_a_picture(content: bytes) -> bool:
    picture = Image.open(io.BytesIO(content))
    return picture.format == "PNG" and min(picture.size) > 100


@given(predictions())
@settings(max_examples=10, deadline=None)
def test_any_answers_can_be_drawn(predictions: Predictions) -> None:
    metrics = make_metrics(predictions)
    drawn = (plot_task_accuracy([metrics]), plot_confusion(metrics, "other"), plot_reliability(metrics))
    assert all(map(is_a_picture, drawn))


@pytest.mark.parametrize("count", [2, 17, 150])
def test_a_confusion_of_any_size_is_drawn(count: int) -> None:
    assert is_a_picture(plot_confusion(make_metrics(make_predictions(count)), "other"))


def test_names_from_the_data_are_no_formulas() -> None:
    named = make_metrics(make_predictions(2), "$a$" * 200, ("$x", "new\nline"))
    assert is_a_picture(plot_confusion(named, "other"))
    assert is_a_picture(plot_reliability(named))


def test_many_tasks_stand_in_one_picture() -> None:
    tasks = [make_metrics(make_predictions(2), f"task-{number}") for number in range(40)]
    assert is_a_picture(plot_task_accuracy(tasks))
