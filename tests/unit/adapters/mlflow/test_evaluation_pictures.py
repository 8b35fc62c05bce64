from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from growlearn.adapters.mlflow.evaluation_pictures import (
    accuracy_picture,
    confusion_picture,
    reliability_picture,
)
from growlearn.domain.evaluation import Cell
from growlearn.domain.schema import Label
from growlearn.evaluation.answers import Answers
from growlearn.evaluation.figures.calibration import calibration
from growlearn.evaluation.figures.confusion import confusion
from growlearn.evaluation.figures.task import TaskFigures
from tests.unit.evaluation.figures.drawn import answers


def figures(given_: Answers, task: str = "t", classes: tuple[Label, ...] | None = None) -> TaskFigures:
    rows, correct = len(given_.truth), int(given_.right.sum())
    return TaskFigures(
        cell=Cell(task=task, correct=correct, rows=rows),
        classes=tuple(range(given_.logits.shape[1])) if classes is None else classes,
        counts=confusion(given_),
        calibration=calibration(given_),
        before=Cell(task=task, correct=0, rows=rows),
        flips=None,
    )


def of_classes(count: int) -> Answers:
    logits = np.eye(count, dtype=np.float32)
    return Answers(logits, np.roll(np.arange(count), 1))


def is_a_picture(content: bytes) -> bool:
    picture = Image.open(io.BytesIO(content))
    return picture.format == "PNG" and min(picture.size) > 100


@given(answers())
@settings(max_examples=10, deadline=None)
def test_any_answers_can_be_drawn(given_: Answers) -> None:
    found = figures(given_)
    drawn = (accuracy_picture([found]), confusion_picture(found, "other"), reliability_picture(found))
    assert all(map(is_a_picture, drawn))


@pytest.mark.parametrize("count", [2, 17, 150])
def test_a_confusion_of_any_size_is_drawn(count: int) -> None:
    assert is_a_picture(confusion_picture(figures(of_classes(count)), "other"))


def test_names_from_the_data_are_no_formulas() -> None:
    named = figures(of_classes(2), "$a$" * 200, ("$x", "new\nline"))
    assert is_a_picture(confusion_picture(named, "other"))
    assert is_a_picture(reliability_picture(named))


def test_many_tasks_stand_in_one_picture() -> None:
    tasks = [figures(of_classes(2), f"task-{number}") for number in range(40)]
    assert is_a_picture(accuracy_picture(tasks))
