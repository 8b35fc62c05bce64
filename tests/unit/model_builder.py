"""Small models grown task by task from real handwritten digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.growth import BranchInit, GrowthPlan, GrowthResult
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import Schema, sort_labels
from growlearn.growth.train import train_branch
from growlearn.ingest.rows import Rows, split_rows, to_parquet
from tests.unit.digits import SCHEMA
from tests.unit.training_cache import train_branch_once

MODEL = ModelConfig(embed_dim=16, depth=1, num_heads=2, patch_size=2)
GROWTH = GrowthConfig(epochs=3, batch_size=32, validation_fraction=0.2)


def empty(model: ModelConfig = MODEL, schema: Schema = SCHEMA) -> Manifest:
    return Manifest(stream="digits", schema=schema, model=model, branches=(), tasks=())


class ModelBuilder:
    """Grows tasks one after another, each from the given rows."""

    def __init__(
        self, folder: Path, digits: Rows, model: ModelConfig = MODEL, schema: Schema = SCHEMA
    ) -> None:
        self.digits = digits
        self.artifacts = MemoryArtifacts()
        self.folder = folder
        self.manifest = empty(model, schema)

    def only(self, *labels: int) -> Rows:
        return self.digits.take(np.array([label in labels for label in self.digits.labels]))

    def plan(self, rows: Rows, parent: str | None = None, **changes: object) -> GrowthPlan:
        classes, number = sort_labels(rows.labels), len(self.manifest.branches) + 1
        parts = split_rows(rows, 0.2, GROWTH.validation_fraction)
        head = None if parent is None else self.manifest.task(parent)
        num_branches = self.manifest.model.num_initial_branches if head is None else 1
        plan = GrowthPlan(
            stream="digits",
            window=f"w{number}",
            task=f"task-{number}",
            classes=classes,
            parent_manifest=self.manifest,
            parent_version=len(self.manifest.tasks) or None,
            parent_task=parent,
            lineage=() if head is None else head.lineage,
            init=BranchInit.SCRATCH if head is None else BranchInit.RESIDUAL,
            init_head_from_parent=head is not None and head.classes == classes,
            new_branches=tuple(f"b{number + i}" for i in range(num_branches)),
            train=self.artifacts.put(to_parquet(parts.train, self.manifest.schema)),
            validation=self.artifacts.put(to_parquet(parts.validation, self.manifest.schema)),
            holdout=self.artifacts.put(to_parquet(parts.holdout, self.manifest.schema)),
            growth=GROWTH,
            seed=number,
        )
        return replace(plan, **changes)  # type: ignore[arg-type]

    def grow(self, plan: GrowthPlan, on_progress: Callable[[object], None] = lambda _: None) -> GrowthResult:
        return train_branch(plan, self.artifacts, self.folder / plan.window, on_progress)

    def keep(self, plan: GrowthPlan) -> GrowthResult:
        result = train_branch_once(plan, self.artifacts, self.folder / plan.window)
        self.manifest = result.build_manifest(plan)
        return result
