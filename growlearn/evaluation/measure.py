"""Model x tasks -> one row of the accuracy matrix."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import Cell, Evaluation
from growlearn.domain.lineage import Manifest
from growlearn.ports import Evaluator, Question


def measure(
    after: Manifest,
    before: Manifest,
    alone: Manifest | None,
    task: str,
    holdouts: Sequence[Question],
    evaluator: Evaluator,
) -> Evaluation:
    """Count the candidate's right answers on every hold-out, one question a task.

    before is the same model at birth, alone one trained on the new task by itself: both answer the
    new task's question only. Chance is 1/C for the C classes of the new task. Raises GrowLearnError
    where a hold-out has no labelled row.
    """
    new = next((question for question in holdouts if question.task == task), None)
    if new is None:
        raise GrowLearnError(f"task {task!r} has no hold-out rows to be measured on")
    cells = tuple(_filled(cell) for cell in evaluator.evaluate(after, holdouts))
    (born,) = evaluator.evaluate(before, [new])
    lone = None if alone is None else _filled(evaluator.evaluate(alone, [new])[0])
    chance = 1 / len(after.task(task).classes)
    return Evaluation(task=task, cells=cells, before=_filled(born), chance=chance, alone=lone)


def _filled(cell: Cell) -> Cell:
    if cell.rows == 0:
        raise GrowLearnError(
            f"the hold-out of task {cell.task!r} has no labelled row",
            cure="send more rows at once, or raise holdout in the job file",
        )
    return cell
