"""Reference rows and a window before each known task's head, and where the window is routed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from growlearn.domain.lineage import Manifest, Task
from growlearn.domain.schema import Schema
from growlearn.drift.sample import Sample, encode_labels
from growlearn.drift.task_data import TaskComparisonData
from growlearn.ingest.rows import Rows
from growlearn.network.model.network import GrowingNetwork
from growlearn.network.model_cache import ModelCache

_MAX_ROUTED_ROWS = 1000  # enough to tell shares apart
MAX_SAMPLE_ROWS = 50_000  # as many as a reference has at most; a shift that needs more is none worth finding


def build_comparison_data(
    manifest: Manifest,
    models: ModelCache,
    tasks: Sequence[Task],
    rows: Rows,
    window_number: int | None = None,
) -> tuple[TaskComparisonData, ...]:
    """The reference of each task, and the window beside it; reference rows were never trained on.

    Of a window with more than 50,000 rows so many are compared, chosen at random.
    """
    rows = rows.sample(MAX_SAMPLE_ROWS)
    network, schema = models.network(manifest), manifest.schema
    routed_fractions = _compute_routed_fractions(manifest, models, tasks, rows)
    return tuple(
        TaskComparisonData(
            task=task.name,
            reference_sample=build_sample(network, task, models.rows(task.reference_rows, schema), schema),
            window_sample=build_sample(network, task, rows, schema, window_number),
            routed_fraction=routed_fraction,
            reference_id=f"{task.reference_rows} {manifest.task(task.name).sha256}",
        )
        for task, routed_fraction in zip(tasks, routed_fractions, strict=True)
    )


def build_sample(
    network: GrowingNetwork, task: Task, rows: Rows, schema: Schema, window_number: int | None = None
) -> Sample:
    """Rows before the head of a task; `window_number` is that of their window."""
    features, outputs = network.features_and_probabilities(rows, task.name)
    return Sample(
        outputs=outputs,
        features=features,
        inputs=rows.inputs,
        kinds={name: column.type for name, column in schema.inputs.items()},
        targets=encode_labels(rows.labels, task.classes),
        classes=task.classes,
        window_number=window_number,
    )


def _compute_routed_fractions(
    manifest: Manifest, models: ModelCache, tasks: Sequence[Task], rows: Rows
) -> Sequence[float | None]:
    """The share of some of the rows whose likeliest task each is; nothing to say where there is but one."""
    if len(tasks) < 2 or manifest.router is None or len(rows) == 0:
        return [None] * len(tasks)
    subset = rows.take(np.random.default_rng(0).permutation(len(rows))[:_MAX_ROUTED_ROWS])
    routed_tasks = (
        models.router(manifest).probabilities(subset, [task.name for task in tasks]).argmax(1)
    )  # [n]
    return [float((routed_tasks == index).float().mean()) for index in range(len(tasks))]
