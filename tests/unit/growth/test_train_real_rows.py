"""Real text and real series, grown task by task and predicted with and without the task's name."""

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
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import Window, WindowState
from growlearn.growth.plan import ParentModel, SplitData, empty_manifest, plan_growth
from growlearn.growth.train import train_branch
from growlearn.ingest.rows import Rows, hash_rows, object_column, split_rows
from growlearn.network.model.network import load_network
from growlearn.network.model_cache import ModelCache
from growlearn.serving.predictor import Predictor

WORDS = InputColumn(type=InputType.TOKENS, vocabulary=512, length=24)
TRACE = InputColumn(type=InputType.SERIES, shape=(8, 8))
GROWTH = GrowthConfig(epochs=12, batch_size=32, validation_fraction=0.2)


def schema_of(spec: InputColumn) -> Schema:
    return Schema(inputs={"x": spec}, task="task")


def rows_of(spec: InputColumn, values: Any, labels: list[Any]) -> Rows:
    inputs = {"x": values}
    return Rows(inputs, object_column(labels), None, hash_rows(inputs, schema_of(spec)))


def docstrings() -> Rows:
    """Docstrings of four libraries without their names; the label is the library."""
    libraries_by_ids: dict[tuple[int, ...], str] = {}
    libraries = {"numpy": np, "pandas": pd.DataFrame, "pyarrow": pc, "torch": torch}
    for name, library in libraries.items():
        for _, member in sorted(vars(library).items()):
            if not callable(member):  # which modules are attributes depends on earlier imports
                continue
            words = re.findall(r"[a-z]+", str(getattr(member, "__doc__", "")).lower())
            kept_words = [word for word in words if word not in (*libraries, "np", "pd")][:24]
            if len(kept_words) >= 15:
                ids = tuple(zlib.crc32(word.encode()) % 512 for word in kept_words)
                libraries_by_ids.setdefault(ids, name)
    padded = np.array([(list(ids) + [-1] * 24)[:24] for ids in libraries_by_ids], np.int32)
    return rows_of(WORDS, padded, list(libraries_by_ids.values()))


def strokes() -> Rows:
    """Handwritten digits, each row of pixels a step."""
    bunch = load_digits()
    return rows_of(TRACE, bunch.images[:900].copy(), bunch.target[:900].tolist())


def only(rows: Rows, labels: Sequence[Any]) -> Rows:
    return rows.take(np.array([label in labels for label in rows.labels]))


class Stream:
    """A stream's model grown window by window, without a database."""

    def __init__(self, spec: InputColumn, folder: Path) -> None:
        source = SourceConfig(url="in")
        model = ModelConfig(embed_dim=32, patch_size=1)
        self.job = Job(name="s", source=source, schema=schema_of(spec), model=model, growth=GROWTH)
        self.artifacts, self.folder = MemoryArtifacts(), folder
        self.manifest: Manifest = empty_manifest(self.job)

    def grow(self, task: str, rows: Rows) -> Rows:
        """Grow one task; returns its hold-out rows."""
        number, at = len(self.manifest.branches) + 1, datetime(2026, 1, 1, tzinfo=UTC)
        window = Window(
            stream="s", number=number, state=WindowState.JUDGED, source=task, discovered_at=at, updated_at=at
        )
        parts = split_rows(rows, 0.25, GROWTH.validation_fraction)
        parent_model = ParentModel(self.manifest, number - 1 or None)
        data = SplitData(parts, tuple(sorted(set(rows.labels))))
        plan: GrowthPlan = plan_growth(
            self.job,
            window,
            task,
            data,
            parent_model,
            number - 1,
            ModelCache(self.artifacts).store_rows,
            self.load,
        )
        self.manifest = train_branch(plan, self.artifacts, self.folder / task, lambda _: None).build_manifest(
            plan
        )
        return parts.holdout

    def load(self, manifest: Manifest) -> Any:
        return load_network(manifest, self.artifacts.get)

    def accuracy(self, task: str, rows: Rows) -> float:
        classes = np.array(self.manifest.task(task).classes, dtype=object)
        return float((classes[self.load(self.manifest).logits(rows, task).argmax(1)] == rows.labels).mean())


@pytest.mark.parametrize(
    ("spec", "load", "firsts", "seconds", "min_accuracy"),
    [
        (WORDS, docstrings, ("numpy", "torch"), ("pandas", "pyarrow"), 0.8),
        (TRACE, strokes, (0, 1, 2), (4, 5, 6), 0.9),
    ],
    ids=["docstrings", "digits as series"],
)
def test_two_tasks_of_real_rows_are_learned_kept_and_routed(
    spec: InputColumn,
    load: Any,
    firsts: Sequence[Any],
    seconds: Sequence[Any],
    min_accuracy: float,
    tmp_path: Path,
) -> None:
    rows = load()
    stream = Stream(spec, tmp_path)
    first = stream.grow("first", only(rows, firsts))
    before = stream.load(stream.manifest).logits(first, "first")
    second = stream.grow("second", only(rows, seconds))
    assert stream.accuracy("first", first) > min_accuracy
    assert stream.accuracy("second", second) > min_accuracy
    assert np.array_equal(stream.load(stream.manifest).logits(first, "first"), before)
    predictor = Predictor(stream.manifest, stream.artifacts.get)
    for task, task_rows in (("first", first), ("second", second)):
        _, probability, tasks = predictor.predict_rows(task_rows)  # rows that name no task
        assert (tasks == task).mean() > 0.8
        assert np.isfinite(probability).all()
