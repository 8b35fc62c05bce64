"""What a trained model makes of missing values, booleans and times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.growth import BranchInit, GrowthPlan
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.growth.train import train_branch
from growlearn.ingest.rows import Rows, hash_rows, object_column, to_parquet
from growlearn.network.model.network import load_network

SCHEMA = Schema(
    inputs={
        "signal": InputColumn(type=InputType.NUMBER),
        "noise": InputColumn(type=InputType.NUMBER),
        "kind": InputColumn(type=InputType.CATEGORY),
        "paid": InputColumn(type=InputType.BOOLEAN),
        "signup": InputColumn(type=InputType.DATETIME),
        "order": InputColumn(type=InputType.DATETIME),
    }
)


def columns_of(seed: int, count: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    orders = np.datetime64("2013-01-01", "us") + rng.integers(0, 40 * 1440, count).astype("timedelta64[m]")
    return {
        "signal": rng.normal(size=count),
        "noise": rng.normal(5, 3, count),
        "kind": object_column(rng.choice(["a", "b", "c"], count).tolist()),
        "paid": object_column(rng.choice(["true", "false"], count).tolist()),
        "signup": orders - rng.integers(0, 60 * 1440, count).astype("timedelta64[m]"),
        "order": orders,
    }


def rows_of(columns: dict[str, Any], labels: Any) -> Rows:
    return Rows(columns, object_column(labels.astype(int).tolist()), None, hash_rows(columns, SCHEMA))


def trained_accuracy(train: Rows, validation: Rows, asked: Rows, folder: Path) -> float:
    """The share of `asked` rows that a model of the other rows predicts correctly."""
    artifacts = MemoryArtifacts()
    manifest = Manifest(
        stream="s", schema=SCHEMA, model=ModelConfig(embed_dim=16, num_heads=2), branches=(), tasks=()
    )
    plan = GrowthPlan(
        stream="s",
        window="w1",
        task="t",
        classes=(0, 1),
        parent_manifest=manifest,
        parent_version=None,
        parent_task=None,
        lineage=(),
        init=BranchInit.SCRATCH,
        init_head_from_parent=False,
        new_branches=("b1",),
        train=artifacts.put(to_parquet(train, SCHEMA)),
        validation=artifacts.put(to_parquet(validation, SCHEMA)),
        holdout=artifacts.put(to_parquet(validation, SCHEMA)),
        growth=GrowthConfig(epochs=12, batch_size=32, learning_rate=0.01),
        seed=0,
    )
    grown = train_branch(plan, artifacts, folder, lambda _: None).build_manifest(plan)
    predicted = load_network(grown, artifacts.get).logits(asked, "t").argmax(1)
    return float((predicted == asked.labels).mean())


LABELS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "the sign of a number": lambda columns: columns["signal"] > 0,
    "a boolean": lambda columns: columns["paid"] == "true",
    "the hour": lambda columns: columns["order"].astype("datetime64[h]").astype(int) % 24 < 12,
    "the weekday": lambda columns: columns["order"].astype("datetime64[D]").astype(int) % 7 < 3,
    "a time": lambda columns: columns["order"] < np.datetime64("2013-01-20"),
    "the age in the row": lambda columns: columns["order"] - columns["signup"] < np.timedelta64(30, "D"),
}


@pytest.mark.parametrize("name", LABELS)
def test_each_kind_of_column_is_learned(name: str, tmp_path: Path) -> None:
    train, validation, asked = (
        rows_of(columns, LABELS[name](columns)) for columns in (columns_of(seed, 800) for seed in range(3))
    )
    assert trained_accuracy(train, validation, asked, tmp_path) > 0.9


def test_columns_that_go_missing_after_training_leave_the_others_their_meaning(tmp_path: Path) -> None:
    train, validation = (
        rows_of(columns, columns["signal"] > 0) for columns in (columns_of(0, 800), columns_of(1, 200))
    )
    gone: dict[str, Any] = columns_of(2, 800) | {
        "noise": np.full(800, np.nan),
        "kind": object_column([None] * 800),
        "paid": object_column([None] * 800),
        "signup": np.full(800, "NaT", "datetime64[us]"),
        "order": np.full(800, "NaT", "datetime64[us]"),
    }
    asked = rows_of(gone, gone["signal"] > 0)
    assert trained_accuracy(train, validation, asked, tmp_path) > 0.9


@pytest.mark.parametrize("name", ["signal", "kind", "paid", "order"])
def test_that_a_value_is_missing_can_be_what_tells_the_classes_apart(name: str, tmp_path: Path) -> None:
    parts = []
    for seed in range(3):
        columns = columns_of(seed, 800)
        missing = np.random.default_rng(seed).random(800) < 0.4
        column = columns[name].copy()
        column[missing] = (
            None if column.dtype == object else column.dtype.type("nan" if name == "signal" else "nat")
        )
        parts.append(rows_of({**columns, name: column}, missing))
    train, validation, asked = parts
    assert trained_accuracy(train, validation, asked, tmp_path) > 0.95
