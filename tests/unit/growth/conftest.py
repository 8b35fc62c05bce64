from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.growth import Birth, GrowthPlan, GrowthResult
from growlearn.domain.job import GrowthSpec, ModelSpec
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Input, InputType, Schema, ordered
from growlearn.growth.train import grow
from growlearn.ingest.rows import Rows, object_column, row_keys, split, to_parquet

SCHEMA = Schema(inputs={"image": Input(type=InputType.IMAGE, shape=(1, 8, 8))})
MODEL = ModelSpec(width=16, depth=1, heads=2, patch=2)
GROWTH = GrowthSpec(epochs=3, batch_size=32, validation=0.2)


@pytest.fixture(scope="session")
def digits() -> Rows:
    """All real handwritten digits."""
    bunch = load_digits()
    inputs = {"image": (bunch.images * 15.9375).astype(np.uint8)[:, None]}
    return Rows(inputs, object_column(bunch.target.tolist()), None, row_keys(inputs, SCHEMA))


def empty(model: ModelSpec = MODEL) -> Manifest:
    return Manifest(stream="digits", schema=SCHEMA, model=model, branches=(), tasks=())


class Nursery:
    """Grows tasks one after another, each from rows given."""

    def __init__(self, folder: Path, digits: Rows, model: ModelSpec = MODEL) -> None:
        self.digits = digits
        self.artifacts = MemoryArtifacts()
        self.folder = folder
        self.manifest = empty(model)

    def only(self, *labels: int) -> Rows:
        return self.digits.take(np.array([label in labels for label in self.digits.labels]))

    def plan(self, rows: Rows, parent: str | None = None, **changes: object) -> GrowthPlan:
        classes, number = ordered(rows.labels), len(self.manifest.branches) + 1
        parts = split(rows, 0.2, GROWTH.validation)
        head = None if parent is None else self.manifest.task(parent)
        births = self.manifest.model.initial_branches if head is None else 1
        plan = GrowthPlan(
            stream="digits",
            window=f"w{number}",
            task=f"task-{number}",
            classes=classes,
            base=self.manifest,
            base_version=len(self.manifest.tasks) or None,
            parent=parent,
            lineage=() if head is None else head.lineage,
            birth=Birth.OWN if head is None else Birth.ZERO,
            copy_head=head is not None and head.classes == classes,
            new_branches=tuple(f"b{number + i}" for i in range(births)),
            train=self.artifacts.put(to_parquet(parts.train, SCHEMA)),
            validation=self.artifacts.put(to_parquet(parts.validation, SCHEMA)),
            holdout=self.artifacts.put(to_parquet(parts.holdout, SCHEMA)),
            growth=GROWTH,
            seed=number,
        )
        return replace(plan, **changes)  # type: ignore[arg-type]

    def grow(self, plan: GrowthPlan, report: Callable[[object], None] = lambda _: None) -> GrowthResult:
        return grow(plan, self.artifacts, self.folder / plan.window, report)

    def keep(self, plan: GrowthPlan) -> GrowthResult:
        result = self.grow(plan)
        self.manifest = result.manifest_of(plan)
        return result


@pytest.fixture
def nursery(tmp_path: Path, digits: Rows) -> Nursery:
    return Nursery(tmp_path, digits)


@pytest.fixture
def triplets(tmp_path: Path, digits: Rows) -> Nursery:
    """A nursery whose first task is born with three branches."""
    return Nursery(tmp_path, digits, replace(MODEL, initial_branches=3))
