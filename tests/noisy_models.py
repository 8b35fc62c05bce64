"""Models of random weights, made without training, in which every part of the network says something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.growth import Combination
from growlearn.domain.lineage import UNCALIBRATED, BranchWeights, Calibration, Manifest, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.model import weights
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.head import Head
from growlearn.network.model.head_sum import make_answer
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.router.router import add_task_to_router
from growlearn.network.stems.stem import Stem, make_stem

MODEL = ModelConfig(embed_dim=16, num_heads=2, patch_size=4)
COLUMNS = {
    "photo": InputColumn(type=InputType.IMAGE, shape=(1, 8, 8)),
    "size": InputColumn(type=InputType.NUMBER),
    "weight": InputColumn(type=InputType.NUMBER),
    "kind": InputColumn(type=InputType.CATEGORY),
    "words": InputColumn(type=InputType.TOKENS, vocabulary=40, length=6),
    "trace": InputColumn(type=InputType.SERIES, shape=(8, 2)),
    "paid": InputColumn(type=InputType.BOOLEAN),
    "at": InputColumn(type=InputType.DATETIME),
    "changed": InputColumn(type=InputType.DATETIME),
}
"""A column of every type but text, and two of those that share a tensor."""
EVERYTHING = Schema(inputs=COLUMNS, task="task")
TABLE = Schema(inputs={name: COLUMNS[name] for name in ("size", "kind", "at")}, task="task")


def draw(schema: Schema, count: int, seed: int, kinds: Sequence[str] = ("red", "blue")) -> Rows:
    """Rows with missing values now and then."""
    random = np.random.default_rng(seed)
    inputs = {name: _draw_column(column, count, random, kinds) for name, column in schema.inputs.items()}
    return Rows(inputs, object_column([None] * count), None, hash_rows(inputs, schema))


def _draw_column(column: InputColumn, count: int, random: np.random.Generator, kinds: Sequence[str]) -> Any:
    is_missing = random.random(count) < 0.2
    match column.type:
        case InputType.IMAGE:
            return random.integers(0, 256, (count, *(column.shape or ())), dtype=np.uint8)
        case InputType.NUMBER:
            return np.where(is_missing, np.nan, random.normal(3.0, 2.0, count))
        case InputType.SERIES:
            return random.normal(-1.0, 2.0, (count, *(column.shape or ())))
        case InputType.TOKENS:
            ids = random.integers(0, column.vocabulary or 0, (count, column.length or 0), dtype=np.int32)
            return np.where(np.arange(column.length or 0) < random.integers(1, 7, (count, 1)), ids, -1)
        case InputType.DATETIME:
            times = np.datetime64("1969-06-01", "us") + random.integers(0, 10**15, count).astype(
                "timedelta64[us]"
            )
            return np.where(is_missing, np.datetime64("NaT"), times)
        case _:
            values = ("true", "false") if column.type is InputType.BOOLEAN else kinds
            drawn = random.integers(0, len(values), count)
            return object_column(
                [None if none else values[index] for none, index in zip(is_missing, drawn, strict=True)]
            )


def grow(
    schema: Schema,
    tasks: Mapping[str, Sequence[Label]],
    artifacts: MemoryArtifacts,
    model: ModelConfig = MODEL,
    own_stems: bool = False,
) -> Manifest:
    """One branch a task, each on the one before it; with `own_stems` each reads a stem of its own.

    The answer of the last task is a sum of two heads, with a temperature and offsets.
    """
    torch.manual_seed(0)
    with torch.no_grad():
        return _grow(schema, tasks, artifacts, model, own_stems=own_stems)


def _grow(
    schema: Schema,
    tasks: Mapping[str, Sequence[Label]],
    artifacts: MemoryArtifacts,
    model: ModelConfig,
    *,
    own_stems: bool,
) -> Manifest:
    manifest = Manifest(stream="s", schema=schema, model=model, branches=(), tasks=())
    for number, (task, classes) in enumerate(tasks.items(), 1):
        rows = draw(schema, 30, number, ("red", "blue") if number == 1 else ("green", "blue", "red"))
        is_sum = number == len(tasks) > 1
        manifest = _add_task(manifest, task, classes, rows, artifacts, own_stem=own_stems, is_sum=is_sum)
    return manifest


def _add_task(
    base: Manifest,
    task: str,
    classes: Sequence[Label],
    rows: Rows,
    artifacts: MemoryArtifacts,
    *,
    own_stem: bool,
    is_sum: bool,
) -> Manifest:
    network = load_network(base, artifacts.get) if base.branches else GrowingNetwork(base.model)
    name = f"b{len(base.branches) + 1}"
    lineage = (*(base.tasks[-1].lineage if base.tasks else ()), name)
    stem = _make_stem(base, rows, len(classes)) if own_stem or not base.branches else None
    stem_id = base.branches[0].id if stem is None else name
    network.add_branch(name, ResidualBranch(base.model), stem_id, stem)
    features = network.features(rows, lineage)
    heads = [_make_head(features, len(classes)) for _ in range(2 if is_sum else 1)]
    combinations = [Combination(), Combination(frozen_weight=0.5, step_size=0.3)][: len(heads)]
    rows.labels[:] = [classes[index % len(classes)] for index in range(len(rows))]
    router = add_task_to_router(
        base, network.root_stem, task, classes, (rows, rows), artifacts.get, artifacts.put, seed=1
    )
    branch = BranchWeights(
        id=name,
        parent=lineage[-2] if len(lineage) > 1 else None,
        stem=stem_id,
        sha256=artifacts.put(network.dump_branch(name)),
    )
    head = TaskHead(
        name=task,
        classes=tuple(classes),
        lineage=lineage,
        sha256=artifacts.put(weights.dump_weights(make_answer(heads, combinations).state_dict())),
        calibration=_calibrate(len(classes)) if is_sum else UNCALIBRATED,
    )
    return replace(base, branches=(*base.branches, branch), tasks=(*base.tasks, head), router=router)


def _make_head(features: Tensor, num_classes: int) -> Head:
    """A head that gives each class to some of the rows with these features [N, F, D]."""
    head = Head(features.shape[1], features.shape[2], num_classes)
    head.linear.weight *= 4
    head.linear.bias.sub_(head(features).mean(0))
    return head


def _calibrate(num_classes: int) -> Calibration:
    return Calibration(temperature=1.7, offsets=tuple(0.2 * index for index in range(num_classes)))


def _make_stem(base: Manifest, rows: Rows, num_classes: int) -> Stem:
    stem = make_stem(base.schema, base.model, rows)
    linear = stem.add_linear_term(num_classes)
    if linear is not None:
        linear.weight.copy_(1e4 * torch.randn(linear.weight.shape))  # much in a token: LINEAR_SCALE is small
    for parameter in stem.parameters():  # those of missing values and of unknown ones are born zero
        parameter.add_(torch.randn(parameter.shape), alpha=0.1)
    return stem.requires_grad_(False)
