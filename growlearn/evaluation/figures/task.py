"""Every figure of every task of an evaluation, worked out from what is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from growlearn.domain.evaluation import Cell, Evaluation, Flips
from growlearn.domain.schema import Label
from growlearn.evaluation.answers import load
from growlearn.evaluation.figures.calibration import Calibration, calibration
from growlearn.evaluation.figures.confusion import ClassFigures, Counts, confusion, per_class
from growlearn.evaluation.flips import cells_before, flips_between
from growlearn.ports import Artifacts


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskFigures:
    """One task's hold-out as a model answers it.

    `counts` [C + 1, C] says which of its `classes` was taken for which. `before` is the cell that `flips`
    are counted against: the same rows as the model before answered them, by the same task or, of a newly
    opened one, by the earlier task that did so best. Where answers were not stored, what is told by them is
    None. `routed` is what the whole model answers on the same rows without being told their task, where it
    was asked.
    """

    cell: Cell
    classes: tuple[Label, ...]
    counts: Counts | None
    calibration: Calibration | None
    before: Cell | None
    flips: Flips | None
    routed: Cell | None = None

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
    artifacts: Artifacts,
) -> tuple[TaskFigures, ...]:
    """Figures of each task an evaluation measured, in its order.

    base are the cells of the model grown from, `classes` those of each task in the order of its logits.
    """
    before = cells_before(evaluation, base)
    routed = {cell.task: cell for cell in evaluation.routed}
    return tuple(
        replace(
            _figures(cell, before.get(cell.task), tuple(classes[cell.task]), artifacts),
            routed=routed.get(cell.task),
        )
        for cell in evaluation.cells
    )


def _figures(
    cell: Cell, before: Cell | None, classes: tuple[Label, ...], artifacts: Artifacts
) -> TaskFigures:
    answers = None if cell.answers is None else load(artifacts.get(cell.answers))
    return TaskFigures(
        cell=cell,
        classes=classes,
        counts=None if answers is None else confusion(answers),
        calibration=None if answers is None else calibration(answers),
        before=before,
        flips=None if before is None else flips_between(before, cell, artifacts),
    )
