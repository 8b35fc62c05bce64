"""Rows that the model before had right and the candidate has wrong, and the other way round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from growlearn.domain.evaluation import Cell, Evaluation, Flips
from growlearn.evaluation.answers import load
from growlearn.ports import Artifacts


def flips_between(before: Cell, after: Cell, artifacts: Artifacts) -> Flips | None:
    """Row by row, for answers to the same rows; None where those of either are not stored.

    Negative flips are what users notice of a better model (Yan et al., "Positive-Congruent Training", 2021).
    """
    if before.answers is None or after.answers is None:
        return None
    if before.answers == after.answers:
        return Flips(task=after.task, lost=0, gained=0, rows=after.rows)
    old = load(artifacts.get(before.answers)).right
    new = load(artifacts.get(after.answers)).right
    if len(old) != len(new):
        return None  # a task of this name was opened anew, with other rows
    return Flips(task=after.task, lost=int((old & ~new).sum()), gained=int((new & ~old).sum()), rows=len(new))


def cells_before(evaluation: Evaluation, past: Iterable[Cell]) -> dict[str, Cell]:
    """By task, what the model a candidate grew from answered: the last of the past cells.

    Of a new task it is the best that an earlier one answered there, and nothing where none could.
    """
    before = {cell.task: cell for cell in (*past, *evaluation.taught)}
    if evaluation.known is not None:
        before[evaluation.task] = evaluation.known
    return before


def flips_of(evaluation: Evaluation, past: Sequence[Evaluation], artifacts: Artifacts) -> tuple[Flips, ...]:
    """Those of a candidate against the model it grew from, task by task.

    A new task is held against the best that an earlier one answered there, and has none where none could.
    past are the evaluations of the versions it grew from, oldest first.
    """
    before = cells_before(evaluation, [cell for each in past for cell in each.cells])
    pairs = [(before[cell.task], cell) for cell in evaluation.cells if cell.task in before]
    found = [flips_between(old, new, artifacts) for old, new in pairs]
    return tuple(each for each in found if each is not None)
