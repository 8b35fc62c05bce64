"""Random rows of every input type, and a plan that grows a branch from such rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from growlearn.domain.growth import BranchInit, GrowthPlan
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column

N = 40
MODEL = ModelConfig(embed_dim=16, num_heads=2, patch_size=2)
SPECS: dict[InputType, InputColumn] = {
    InputType.IMAGE: InputColumn(type=InputType.IMAGE, shape=(1, 5, 6)),
    InputType.NUMBER: InputColumn(type=InputType.NUMBER),
    InputType.CATEGORY: InputColumn(type=InputType.CATEGORY),
    InputType.TOKENS: InputColumn(type=InputType.TOKENS, vocabulary=30, length=7),
    InputType.SERIES: InputColumn(type=InputType.SERIES, shape=(9, 2)),
    InputType.BOOLEAN: InputColumn(type=InputType.BOOLEAN),
    InputType.DATETIME: InputColumn(type=InputType.DATETIME),
    InputType.TEXT: InputColumn(type=InputType.TEXT, length=3),
}


def values(spec: InputColumn, random: np.random.Generator, count: int) -> Any:  # noqa: PLR0911
    match spec.type:
        case InputType.IMAGE:
            return random.integers(0, 256, (count, *(spec.shape or ())), dtype=np.uint8)
        case InputType.NUMBER:
            return np.where(random.random(count) < 0.2, np.nan, random.normal(3.0, 2.0, count))
        case InputType.CATEGORY:
            return object_column(
                [f"kind {index}" if index else None for index in random.integers(0, 4, count)]
            )
        case InputType.BOOLEAN:
            return object_column([("true", "false", None)[index] for index in random.integers(0, 3, count)])
        case InputType.DATETIME:
            seconds = random.integers(0, 10**8, count)
            times = np.datetime64("2020-01-01", "us") + seconds.astype("timedelta64[s]")
            return np.where(random.random(count) < 0.2, np.datetime64("NaT"), times)
        case InputType.TEXT:
            return object_column(
                [_make_text(random) if random.random() < 0.8 else None for _ in range(count)]
            )
        case InputType.TOKENS:
            ids = random.integers(0, spec.vocabulary or 0, (count, spec.length or 0))
            lengths = random.integers(1, (spec.length or 0) + 1, count)
            return np.where(np.arange(spec.length or 0) < lengths[:, None], ids, -1).astype(np.int32)
        case InputType.SERIES:
            return random.normal(-2.0, 5.0, (count, *(spec.shape or ())))


def _make_text(random: np.random.Generator) -> str:
    """One to nine words, some of them in other scripts."""
    words = ("the", "cats", "Straße", "кошка", "猫", "हिन्दी", "🙂", "no. 7")
    return " ".join(words[index] for index in random.integers(0, len(words), random.integers(1, 10)))


def rows_of(schema: Schema, seed: int = 0, count: int = N) -> Rows:
    random = np.random.default_rng(seed)
    inputs = {name: values(spec, random, count) for name, spec in schema.inputs.items()}
    labels = object_column([row % 2 for row in range(count)])
    return Rows(inputs, labels, None, hash_rows(inputs, schema))


def plan_of(parent_manifest: Manifest, number: int, init: BranchInit) -> GrowthPlan:
    before = parent_manifest.tasks[-1] if parent_manifest.tasks else None
    return GrowthPlan(
        stream="s",
        window=f"w{number}",
        task=f"task-{number}",
        classes=(0, 1),
        parent_manifest=parent_manifest,
        parent_version=number - 1 or None,
        parent_task=None if before is None else before.name,
        lineage=before.lineage if before is not None and init is BranchInit.RESIDUAL else (),
        init=init,
        init_head_from_parent=before is not None,
        new_branches=(f"b{number}",),
        train="0" * 64,
        validation="1" * 64,
        holdout="2" * 64,
        growth=GrowthConfig(),
        seed=number,
    )
