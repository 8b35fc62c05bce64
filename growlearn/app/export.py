"""Exports a version, or a smaller model of its first branches: for MLflow, for torch, or as ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from growlearn.app.whole_folder import write_whole_folder
from growlearn.domain.environment import Provenance
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.export_format import ExportFormat
from growlearn.domain.lineage import Manifest, Task
from growlearn.ports import Artifacts, EvalRequest, Evaluator, Store
from growlearn.registry.provenance import get_provenance
from growlearn.registry.version_tree import get_version, select_version_tasks

if TYPE_CHECKING:
    from growlearn.adapters.graphs.verification import GraphVerification


@dataclass(frozen=True, kw_only=True)
class AccuracyChange:
    """One task's accuracy on its hold-out: of the version, and of the exported model.

    `after` is None for a task that the smaller model does not contain.
    """

    task: str
    before: float
    after: float | None


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Which model is written, and as what: the first `branches`, or all; the answers to rows of one `task`.

    Without a task the model routes rows; a folder for MLflow always answers both.
    """

    branches: int | None = None
    format: ExportFormat = ExportFormat.MLFLOW
    task: str | None = None


@dataclass(frozen=True, kw_only=True)
class Export:
    """What was written; `tasks` holds the accuracies of a smaller model, and is empty for a whole one.

    `verification` says how the answers of a file for torch or ONNX differ; None for MLflow.
    """

    folder: Path
    branches: int
    total_branches: int
    tasks: tuple[AccuracyChange, ...]
    verification: GraphVerification | None


def export_version(
    store: Store,
    artifacts: Artifacts,
    evaluator: Evaluator,
    stream: str,
    number: int,
    folder: Path,
    options: ExportOptions,
) -> Export:
    """Write a self-contained model, whole or not at all; raises GrowLearnError, NotFound."""
    from growlearn.network.truncation import truncate_model

    if options.task is not None and options.format is ExportFormat.MLFLOW:
        raise GrowLearnError(
            "a model for MLflow answers rows of every task; --task is for --format torch and onnx",
            hint="leave out --task, or add --format onnx",
        )
    store.stream(stream)
    version = get_version(store.versions(stream), number)
    manifest = version.manifest
    exported = manifest if options.branches is None else truncate_model(manifest, options.branches, artifacts)
    tasks = select_version_tasks(store.tasks(stream), store.versions(stream), number)
    provenance = get_provenance(version, store.window_record(stream, version.window))
    verification = None
    with write_whole_folder(folder) as part:
        if options.format is ExportFormat.MLFLOW:
            _write_mlflow(exported, artifacts, part, provenance)
        else:
            verification = _write_graph(exported, artifacts, part, options, tasks, provenance)
    is_whole = len(exported.branches) == len(manifest.branches)
    requests = [EvalRequest(task=task.name, rows=task.holdout) for task in tasks]
    return Export(
        folder=folder,
        branches=len(exported.branches),
        total_branches=len(manifest.branches),
        tasks=() if is_whole else _accuracy_changes(manifest, exported, requests, evaluator),
        verification=verification,
    )


def _write_mlflow(
    manifest: Manifest, artifacts: Artifacts, folder: Path, provenance: Provenance | None
) -> None:
    from growlearn.adapters.mlflow.export import export_model

    export_model(manifest, artifacts, folder, provenance=provenance)


def _write_graph(
    manifest: Manifest,
    artifacts: Artifacts,
    folder: Path,
    options: ExportOptions,
    tasks: Sequence[Task],
    provenance: Provenance | None,
) -> GraphVerification:
    """Write a file for torch or ONNX, verified on hold-out rows of the tasks that it answers."""
    from growlearn.adapters.graphs.export import export_graph
    from growlearn.ingest.rows import from_parquet

    names = manifest.routable_tasks if options.task is None else manifest.task_versions(options.task)
    rows = [
        from_parquet(artifacts.view(task.holdout), manifest.schema) for task in tasks if task.name in names
    ]
    return export_graph(manifest, artifacts, folder, options.format, options.task, rows, provenance)


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
