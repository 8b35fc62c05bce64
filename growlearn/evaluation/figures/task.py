"""Every figure of every task of an evaluation, worked out from what is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from growlearn.domain.evaluation import Cell, Evaluation
from growlearn.domain.schema import Label
from growlearn.evaluation.answers import Answers, load
from growlearn.evaluation.figures.calibration import Calibration, calibration
from growlearn.evaluation.figures.confusion import ClassFigures, Counts, confusion, per_class
from growlearn.evaluation.figures.flips import Flips, flips


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskFigures:
    """One task's hold-out as a model answers it.

    `counts` [C + 1, C] says which of its `classes` was taken for which. `before` is the cell that `flips`
    are counted against: the same rows as the model before answered them, by the same task or, of a newly
    opened one, by the earlier task that did so best. Where answers were not stored, what is told by them is
    None.
    """

    cell: Cell
    classes: tuple[Label, ...]
    counts: Counts | None
    calibration: Calibration | None
    before: Cell | None
    flips: Flips | None

    @property
    def task(self) -> str:
        """The task's name."""
        return self.cell.task

    @property
    def per_class(self) -> tuple[ClassFigures, ...] | None:
        """Each class against all others."""
        return None if self.counts is None else per_class(self.counts, self.classes)


def figures_of(
    evaluation: Evaluation,
    base: Sequence[Cell],
    classes: Mapping[str, Sequence[Label]],
    read: Callable[[str], bytes],
) -> tuple[TaskFigures, ...]:
    """Figures of each task an evaluation measured, in its order.

    base are the cells of the model grown from, `classes` those of each task in the order of its logits,
    `read` gives the stored bytes of a sha256.
    """
    before = _cells_before(evaluation, base)
    return tuple(
        _figures(cell, before.get(cell.task), tuple(classes[cell.task]), read) for cell in evaluation.cells
    )


def _cells_before(evaluation: Evaluation, base: Sequence[Cell]) -> dict[str, Cell]:
    """By task what the model before answered; of a newly opened one, what its best earlier task did."""
    found = {cell.task: cell for cell in evaluation.taught or base}
    if evaluation.known is not None:
        found[evaluation.task] = evaluation.known
    return found


def _figures(
    cell: Cell, before: Cell | None, classes: tuple[Label, ...], read: Callable[[str], bytes]
) -> TaskFigures:
    if cell.answers is None:
        return TaskFigures(
            cell=cell, classes=classes, counts=None, calibration=None, before=before, flips=None
        )
    answers = load(read(cell.answers))
    return TaskFigures(
        cell=cell,
        classes=classes,
        counts=confusion(answers),
        calibration=calibration(answers),
        before=before,
        flips=_flips(answers, cell, before, read),
    )


def _flips(answers: Answers, cell: Cell, before: Cell | None, read: Callable[[str], bytes]) -> Flips | None:
    if before is None or before.answers is None:
        return None
    earlier = answers if before.answers == cell.answers else load(read(before.answers))
    return flips(earlier.right, answers.right)
