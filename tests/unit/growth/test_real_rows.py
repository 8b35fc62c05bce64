"""Real text and real series, grown task by task and answered with and without the task's name."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest
import torch
from sklearn.datasets import load_digits

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.job import GrowthSpec, Job, ModelSpec, SourceSpec
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.domain.window import Window, WindowState
from growlearn.growth.model.network import load_network
from growlearn.growth.plan import Base, Ground, empty_manifest, plan_growth
from growlearn.growth.train import grow
from growlearn.ingest.rows import Rows, object_column, row_keys, split
from growlearn.serving.predictor import Predictor

WORDS = Input(type=InputType.TOKENS, vocabulary=512, length=24)
TRACE = Input(type=InputType.SERIES, shape=(8, 8))
GROWTH = GrowthSpec(epochs=12, batch_size=32, validation=0.2)


def schema_of(spec: Input) -> Schema:
    return Schema(inputs={"x": spec}, task="task")


def rows_of(spec: Input, values: Any, labels: list[Any]) -> Rows:
    inputs = {"x": values}
    return Rows(inputs, object_column(labels), None, row_keys(inputs, schema_of(spec)))


def docstrings() -> Rows:
    """Which of four libraries a docstring comes from, their names left out."""
    found: dict[tuple[int, ...], str] = {}
    libraries = {"numpy": np, "pandas": pd.DataFrame, "pyarrow": pc, "torch": torch}
    for name, library in libraries.items():
        for _, thing in sorted(vars(library).items()):
            if not callable(thing):  # modules are there or not by what else was imported
                continue
            words = re.findall(r"[a-z]+", str(getattr(thing, "__doc__", "")).lower())
            told = [word for word in words if word not in (*libraries, "np", "pd")][:24]
            if len(told) >= 15:
                ids = tuple(zlib.crc32(word.encode()) % 512 for word in told)
                found.setdefault(ids, name)
    padded = np.array([(list(ids) + [-1] * 24)[:24] for ids in found], np.int32)
    return rows_of(WORDS, padded, list(found.values()))


def strokes() -> Rows:
    """Handwritten digits, each row of pixels a step."""
    bunch = load_digits()
    return rows_of(TRACE, bunch.images[:900].copy(), bunch.target[:900].tolist())


def only(rows: Rows, labels: Sequence[Any]) -> Rows:
    return rows.take(np.array([label in labels for label in rows.labels]))


class Garden:
    """A stream's model grown window by window, without a database."""

    def __init__(self, spec: Input, folder: Path) -> None:
        source = SourceSpec(url="in")
        model = ModelSpec(width=32, patch=1)
        self.job = Job(name="s", source=source, schema=schema_of(spec), model=model, growth=GROWTH)
        self.artifacts, self.folder = MemoryArtifacts(), folder
        self.manifest: Manifest = empty_manifest(self.job)

    def grow(self, task: str, rows: Rows) -> Rows:
        """Grow one task; returns its hold-out rows."""
        number, at = len(self.manifest.branches) + 1, datetime(2026, 1, 1, tzinfo=UTC)
        window = Window(
            stream="s", number=number, state=WindowState.JUDGED, source=task, discovered_at=at, updated_at=at
        )
        parts = split(rows, 0.25, GROWTH.validation)
        base = Base(self.manifest, number - 1 or None)
        ground = Ground(parts, tuple(sorted(set(rows.labels))))
        plan: GrowthPlan = plan_growth(
            self.job, window, task, ground, base, number - 1, self.artifacts, self.load
        )
        self.manifest = grow(plan, self.artifacts, self.folder / task, lambda _: None).manifest_of(plan)
        return parts.holdout

    def load(self, manifest: Manifest) -> Any:
        return load_network(manifest, self.artifacts.get)

    def accuracy(self, task: str, rows: Rows) -> float:
        classes = np.array(self.manifest.task(task).classes, dtype=object)
        return float((classes[self.load(self.manifest).logits(rows, task).argmax(1)] == rows.labels).mean())


@pytest.mark.parametrize(
    ("spec", "load", "firsts", "seconds", "least"),
    [
        (WORDS, docstrings, ("numpy", "torch"), ("pandas", "pyarrow"), 0.8),
        (TRACE, strokes, (0, 1, 2), (4, 5, 6), 0.9),
    ],
    ids=["docstrings", "digits as series"],
)
def test_two_tasks_of_real_rows_are_learned_kept_and_told_apart(
    spec: Input, load: Any, firsts: Sequence[Any], seconds: Sequence[Any], least: float, tmp_path: Path
) -> None:
    rows = load()
    garden = Garden(spec, tmp_path)
    first = garden.grow("first", only(rows, firsts))
    before = garden.load(garden.manifest).logits(first, "first")
    second = garden.grow("second", only(rows, seconds))
    assert garden.accuracy("first", first) > least
    assert garden.accuracy("second", second) > least
    assert np.array_equal(garden.load(garden.manifest).logits(first, "first"), before)
    predictor = Predictor(garden.manifest, garden.artifacts.get)
    for task, asked in (("first", first), ("second", second)):
        _, probability, tasks = predictor.answer(asked)  # rows that name no task
        assert (tasks == task).mean() > 0.8
        assert np.isfinite(probability).all()
