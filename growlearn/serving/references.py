"""What the known tasks' heads say of their own reference rows and of a window."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.lineage import Task
from growlearn.domain.schema import Schema
from growlearn.drift.compare import Reference
from growlearn.growth.model.network import GrowingNetwork
from growlearn.ingest.rows import Rows, from_parquet
from growlearn.ports import Artifacts


def references_of(
    network: GrowingNetwork, tasks: Sequence[Task], rows: Rows, schema: Schema, artifacts: Artifacts
) -> tuple[Reference, ...]:
    """One reference a task; reference rows were never trained on."""
    return tuple(
        Reference(
            task=task.name,
            outputs=network.outputs(from_parquet(artifacts.get(task.reference), schema), task.name),
            window_outputs=network.outputs(rows, task.name),
        )
        for task in tasks
    )
