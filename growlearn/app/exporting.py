"""A version, or a smaller model made of its first branches, as a folder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from growlearn.domain.lineage import Manifest
from growlearn.ports import Artifacts, Evaluator, Question, Store
from growlearn.registry.ancestry import chain, find
from growlearn.registry.provenance import provenance_of


@dataclass(frozen=True, kw_only=True)
class TaskLoss:
    """One task's share of right answers on its hold-out: of the version, and of the model exported.

    `after` is None for a task that the smaller model does not know any more.
    """

    task: str
    before: float
    after: float | None


@dataclass(frozen=True, kw_only=True)
class Export:
    """What was written; `tasks` says what a smaller model lost, and is empty for a whole one."""

    folder: Path
    branches: int
    of: int
    tasks: tuple[TaskLoss, ...]


def export_version(
    store: Store,
    artifacts: Artifacts,
    evaluator: Evaluator,
    stream: str,
    number: int,
    folder: Path,
    branches: int | None,
) -> Export:
    """Write a self-contained MLflow model; raises GrowLearnError, UnknownName."""
    from growlearn.adapters.mlflow.export import export_model
    from growlearn.growth.truncation import truncated

    store.stream(stream)
    version = find(store.versions(stream), number)
    manifest = version.manifest
    small = manifest if branches is None else truncated(manifest, branches, artifacts)
    provenance = provenance_of(version, store.record(stream, version.window))
    export_model(small, artifacts, folder, provenance=provenance)
    left, of = len(small.branches), len(manifest.branches)
    if left == of:
        return Export(folder=folder, branches=left, of=of, tasks=())
    line = [version.number for version in chain(store.versions(stream), number)]
    opened = {task.name: task.holdout for task in store.tasks(stream) if task.version in line}
    questions = [Question(task=head.name, rows=opened[head.name]) for head in manifest.tasks]
    return Export(folder=folder, branches=left, of=of, tasks=_losses(manifest, small, questions, evaluator))


def _losses(
    manifest: Manifest, small: Manifest, questions: Sequence[Question], evaluator: Evaluator
) -> tuple[TaskLoss, ...]:
    left = {head.name for head in small.tasks}
    kept = [question for question in questions if question.task in left]
    after = {cell.task: cell.accuracy for cell in evaluator.evaluate(small, kept)}
    return tuple(
        TaskLoss(task=cell.task, before=cell.accuracy, after=after.get(cell.task))
        for cell in evaluator.evaluate(manifest, questions)
    )
