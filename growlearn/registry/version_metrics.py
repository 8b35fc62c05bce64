"""The metrics of a version, task by task, from the record and the stored predictions alone."""

from __future__ import annotations

from dataclasses import replace

from growlearn.domain.evaluation import TaskScore
from growlearn.evaluation.metrics.task_metrics import TaskMetrics, compute_task_metrics
from growlearn.ports import Artifacts, Store
from growlearn.registry.matrix import load_evaluations
from growlearn.registry.version_tree import get_version


def load_version_metrics(
    store: Store, artifacts: Artifacts, stream: str, number: int
) -> tuple[TaskMetrics, ...]:
    """Metrics of each task of a version, with flips against its parent version.

    Raises NotFound for the version, CorruptArtifact where stored predictions are missing.
    """
    version = get_version(store.versions(stream), number)
    (evaluation,) = load_evaluations(store, stream, (version,))
    classes = {head.name: head.classes for head in version.manifest.tasks}
    tasks = compute_task_metrics(
        evaluation, load_version_scores(store, stream, version.parent), classes, artifacts
    )
    heads = [version.manifest.task(metrics.task) for metrics in tasks]
    return tuple(
        replace(metrics, positive_class=head.positive_class, threshold=head.threshold)
        for metrics, head in zip(tasks, heads, strict=True)
    )


def load_version_scores(store: Store, stream: str, number: int | None) -> tuple[TaskScore, ...]:
    """The scores of a version on each of its tasks; empty for None."""
    if number is None:
        return ()
    (evaluation,) = load_evaluations(store, stream, (get_version(store.versions(stream), number),))
    return evaluation.task_scores
