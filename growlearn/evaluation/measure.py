"""Model x tasks -> one row of the accuracy matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.evaluation import Cell, Evaluation
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Label
from growlearn.ports import Evaluator, Question


def measure(
    after: Manifest,
    before: Manifest,
    alone: Manifest | None,
    known: Cell | None,
    task: str,
    holdouts: Sequence[Question],
    evaluator: Evaluator,
) -> Evaluation:
    """Count the candidate's right answers on every hold-out, one question a task.

    before is the same model at birth, alone one trained on the new task by itself: they answer the new task's
    question only. known is what the model grown from answers to it as it is, by the best of its tasks.
    Chance is 1/C for the C classes of the new task. Raises GrowLearnError where a hold-out has no
    labelled row.
    """
    new = next((question for question in holdouts if question.task == task), None)
    if new is None:
        raise GrowLearnError(f"task {task!r} has no hold-out rows to be measured on")
    cells = tuple(_filled(cell) for cell in evaluator.evaluate(after, holdouts))
    (born,) = evaluator.evaluate(before, [new])
    lone = None if alone is None else _filled(evaluator.evaluate(alone, [new])[0])
    classes = after.task(task).classes
    return Evaluation(
        task=task,
        cells=cells,
        before=_filled(born),
        chance=1 / len(classes),
        known=known,
        alone=lone,
        routed=routed(after, holdouts, evaluator),
    )


def measure_again(
    after: Manifest, taught: Manifest, holdouts: Sequence[Question], evaluator: Evaluator
) -> Evaluation:
    """Count a consolidated candidate's right answers, and those of the model consolidated, on every hold-out.

    Raises GrowLearnError where a hold-out has no labelled row.
    """
    cells = tuple(_filled(cell) for cell in evaluator.evaluate(after, holdouts))
    before = tuple(evaluator.evaluate(taught, holdouts))
    newest = taught.tasks[-1]
    return Evaluation(
        task=newest.name,
        cells=cells,
        before=next(cell for cell in before if cell.task == newest.name),
        chance=1 / len(newest.classes),
        taught=before,
        routed=routed(after, holdouts, evaluator),
    )


def best_known(base: Manifest, classes: Sequence[Label], rows: str, evaluator: Evaluator) -> Cell | None:
    """What the best of a model's active tasks with all of these classes answers there; None without one."""
    fitting = [name for name in base.active if set(classes) <= set(base.task(name).classes)]
    cells = evaluator.evaluate(base, [Question(task=name, rows=rows) for name in fitting]) if fitting else ()
    return max(cells, key=lambda cell: cell.accuracy, default=None)


def routed(manifest: Manifest, holdouts: Sequence[Question], evaluator: Evaluator) -> tuple[Cell, ...]:
    """What a model answers on the hold-out of every active task without being told which it is.

    Nothing where a column names the tasks, or where there is but one.
    """
    active = manifest.active
    if manifest.schema.task is not None or len(active) == 1:
        return ()
    asked = [replace(question, routed=True) for question in holdouts if question.task in active]
    return tuple(evaluator.evaluate(manifest, asked))


def _filled(cell: Cell) -> Cell:
    if cell.rows == 0:
        raise GrowLearnError(
            f"the hold-out of task {cell.task!r} has no labelled row",
            cure="send more rows at once, or raise holdout in the job file",
        )
    return cell
