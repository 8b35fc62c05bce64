"""A version's figures, task by task, from the record and the stored answers alone."""

from __future__ import annotations

from growlearn.domain.evaluation import Cell
from growlearn.evaluation.figures.task import TaskFigures, figures_of
from growlearn.ports import Artifacts, Store
from growlearn.registry.ancestry import find
from growlearn.registry.matrix import evaluations_of


def figures_for(store: Store, artifacts: Artifacts, stream: str, number: int) -> tuple[TaskFigures, ...]:
    """Figures of each task of a version, flips against the version it grew from.

    Raises UnknownName for the version, DamagedArtifact where stored answers are lost.
    """
    version = find(store.versions(stream), number)
    (evaluation,) = evaluations_of(store, stream, (version,))
    classes = {head.name: head.classes for head in version.manifest.tasks}
    return figures_of(evaluation, cells_of(store, stream, version.parent), classes, artifacts)


def cells_of(store: Store, stream: str, number: int | None) -> tuple[Cell, ...]:
    """What a version answered on each task it knew; none for None."""
    if number is None:
        return ()
    (evaluation,) = evaluations_of(store, stream, (find(store.versions(stream), number),))
    return evaluation.cells
