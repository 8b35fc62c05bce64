"""Exports a version, or a smaller model of its first branches, as a self-contained folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from growlearn.domain.lineage import Manifest
from growlearn.ports import Artifacts, EvalRequest, Evaluator, Store
from growlearn.registry.provenance import get_provenance
from growlearn.registry.version_tree import get_version, select_version_tasks


@dataclass(frozen=True, kw_only=True)
class AccuracyChange:
    """One task's accuracy on its hold-out: of the version, and of the exported model.

    `after` is None for a task that the smaller model does not contain.
    """

    task: str
    before: float
    after: float | None


@dataclass(frozen=True, kw_only=True)
class Export:
    """What was written; `tasks` holds the accuracies of a smaller model, and is empty for a whole one."""

    folder: Path
    branches: int
    total_branches: int
    tasks: tuple[AccuracyChange, ...]


def export_version(
    store: Store,
    artifacts: Artifacts,
    evaluator: Evaluator,
    stream: str,
    number: int,
    folder: Path,
    branches: int | None,
) -> Export:
    """Write a self-contained MLflow model; raises GrowLearnError, NotFound."""
    from growlearn.adapters.mlflow.export import export_model
    from growlearn.network.truncation import truncate_model

    store.stream(stream)
    version = get_version(store.versions(stream), number)
    manifest = version.manifest
    exported = manifest if branches is None else truncate_model(manifest, branches, artifacts)
    provenance = get_provenance(version, store.window_record(stream, version.window))
    export_model(exported, artifacts, folder, provenance=provenance)
    num_branches, total_branches = len(exported.branches), len(manifest.branches)
    if num_branches == total_branches:
        return Export(folder=folder, branches=num_branches, total_branches=total_branches, tasks=())
    tasks = select_version_tasks(store.tasks(stream), store.versions(stream), number)
    requests = [EvalRequest(task=task.name, rows=task.holdout) for task in tasks]
    return Export(
        folder=folder,
        branches=num_branches,
        total_branches=total_branches,
        tasks=_accuracy_changes(manifest, exported, requests, evaluator),
    )


def _accuracy_changes(
    manifest: Manifest, exported: Manifest, requests: Sequence[EvalRequest], evaluator: Evaluator
) -> tuple[AccuracyChange, ...]:
    exported_tasks = {head.name for head in exported.tasks}
    exported_requests = [request for request in requests if request.task in exported_tasks]
    accuracy_after = {score.task: score.accuracy for score in evaluator.evaluate(exported, exported_requests)}
    return tuple(
        AccuracyChange(task=score.task, before=score.accuracy, after=accuracy_after.get(score.task))
        for score in evaluator.evaluate(manifest, requests)
    )
