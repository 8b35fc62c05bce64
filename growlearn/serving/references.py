"""Reference rows and a window before each known task's head, and where the window is routed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from growlearn.domain.lineage import Manifest, Task
from growlearn.domain.schema import Schema
from growlearn.drift.reference import Reference
from growlearn.drift.sample import Sample, targets_of
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.router.router import load_router
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.ports import Artifacts

_ROUTED_ROWS = 1000  # enough to tell shares apart


def references_of(
    manifest: Manifest,
    network: GrowingNetwork,
    tasks: Sequence[Task],
    rows: Rows,
    artifacts: Artifacts,
    number: int | None = None,
) -> tuple[Reference, ...]:
    """One reference a task; reference rows were never trained on. `number` is the window's."""
    schema = manifest.schema
    shares = _shares(manifest, network, tasks, rows, artifacts)
    return tuple(
        Reference(
            task=task.name,
            reference=sample_of(network, task, from_parquet(artifacts.get(task.reference), schema), schema),
            window=sample_of(network, task, rows, schema, number),
            share=share,
        )
        for task, share in zip(tasks, shares, strict=True)
    )


def sample_of(
    network: GrowingNetwork, task: Task, rows: Rows, schema: Schema, number: int | None = None
) -> Sample:
    """Rows before the head of a task; `number` is that of their window."""
    features, outputs = network.features_and_outputs(rows, task.name)
    return Sample(
        outputs=outputs,
        features=features,
        inputs=rows.inputs,
        kinds={name: spec.type for name, spec in schema.inputs.items()},
        targets=targets_of(rows.labels, task.classes),
        classes=task.classes,
        number=number,
    )


def _shares(
    manifest: Manifest, network: GrowingNetwork, tasks: Sequence[Task], rows: Rows, artifacts: Artifacts
) -> Sequence[float | None]:
    """The share of some of the rows whose likeliest task each is; nothing to say where there is but one."""
    if len(tasks) < 2 or manifest.router is None or len(rows) == 0:
        return [None] * len(tasks)
    some = rows.take(np.random.default_rng(0).permutation(len(rows))[:_ROUTED_ROWS])
    router = load_router(manifest, network.root_stem, artifacts.get)
    likeliest = router.probabilities(some, [task.name for task in tasks]).argmax(1)  # [n]
    return [float((likeliest == place).float().mean()) for place in range(len(tasks))]
