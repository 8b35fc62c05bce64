"""Models of several schemas, trained on random rows, and their exported folders."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.adapters.mlflow.export import export_model
from growlearn.domain.growth import BranchInit, GrowthPlan
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import BranchWeights, Manifest, TaskHead
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Label, Schema
from growlearn.growth.branch_init import init_trainable_parts
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.model import weights
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.router.router import add_task_to_router
from growlearn.serving.predictor import Predictor

IMAGES = Schema(inputs={"image": InputColumn(type=InputType.IMAGE, shape=(1, 8, 8))}, task="task")
TABLE = Schema(
    inputs={"size": InputColumn(type=InputType.NUMBER), "kind": InputColumn(type=InputType.CATEGORY)},
    task="task",
)
LISTS = Schema(
    inputs={
        "words": InputColumn(type=InputType.TOKENS, vocabulary=40, length=6),
        "trace": InputColumn(type=InputType.SERIES, shape=(8, 2)),
    },
    task="task",
)
GAPS = Schema(
    inputs={
        "size": InputColumn(type=InputType.NUMBER),
        "kind": InputColumn(type=InputType.CATEGORY),
        "paid": InputColumn(type=InputType.BOOLEAN),
        "at": InputColumn(type=InputType.DATETIME),
        "note": InputColumn(type=InputType.TEXT),
    },
    task="task",
)
MODEL = ModelConfig(embed_dim=16, num_heads=2)
KINDS = ("red", "blue", "vert-de-gris")


@dataclass
class Exported:
    """A model folder, questions with and without a task column, and the library's answers."""

    folder: Path
    frames: list[pd.DataFrame]
    answers: list[pd.DataFrame]


def export(manifest: Manifest, frame: pd.DataFrame, artifacts: MemoryArtifacts, folder: Path) -> Exported:
    frames = [frame, frame.assign(task=["upright", "turned", "upright"] * 3)]
    predictor = Predictor(manifest, artifacts.get)
    answers = [predictor.predict(frame) for frame in frames]
    assert set(answers[1]["task"]) == {"upright", "turned"}
    return Exported(export_model(manifest, artifacts, folder / "model"), frames, answers)


def grow(schema: Schema, tasks: dict[str, tuple[Label, ...]], artifacts: MemoryArtifacts) -> Manifest:
    """A model of one untrained branch a task, each on the one before it."""
    manifest = Manifest(stream="s", schema=schema, model=MODEL, branches=(), tasks=())
    for number, (task, classes) in enumerate(tasks.items(), 1):
        manifest = grow_task(manifest, number, task, classes, artifacts)
    return manifest


def grow_task(
    base: Manifest, number: int, task: str, classes: tuple[Label, ...], artifacts: MemoryArtifacts
) -> Manifest:
    before = base.tasks[-1] if base.tasks else None
    branch, lineage = f"b{number}", () if before is None else before.lineage
    plan = GrowthPlan(
        stream=base.stream,
        window=f"w{number}",
        task=task,
        classes=classes,
        parent_manifest=base,
        parent_version=number - 1 or None,
        parent_task=None if before is None else before.name,
        lineage=lineage,
        init=BranchInit.SCRATCH if before is None else BranchInit.RESIDUAL,
        init_head_from_parent=False,
        new_branches=(branch,),
        train="0" * 64,
        validation="1" * 64,
        holdout="2" * 64,
        growth=GrowthConfig(),
        seed=number,
    )
    network = load_network(base, artifacts.get) if base.branches else GrowingNetwork(MODEL)
    rows = rows_of(base.schema, 24, number)
    parts = init_trainable_parts(plan, network, rows)
    stem_of = base.branches[0].id if base.branches else branch
    network.add_branch(branch, parts.branches[0], stem_of, parts.stem)
    rows.labels[:] = [classes[i % len(classes)] for i in range(len(rows))]
    network.requires_grad_(False)
    router = add_task_to_router(
        base, network.root_stem, task, classes, (rows, rows), artifacts.get, artifacts.put, seed=number
    )
    entry = BranchWeights(
        id=branch,
        parent=lineage[-1] if lineage else None,
        stem=stem_of,
        sha256=artifacts.put(network.dump_branch(branch)),
    )
    head = artifacts.put(weights.dump_weights(parts.head.state_dict()))
    answer = TaskHead(name=task, classes=classes, lineage=(*lineage, branch), sha256=head)
    return replace(base, branches=(*base.branches, entry), tasks=(*base.tasks, answer), router=router)


def rows_of(schema: Schema, count: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    inputs: dict[str, Any] = {}
    for name, spec in schema.inputs.items():
        if spec.type is InputType.TOKENS:
            ids = random.integers(0, 40, (count, 6), dtype=np.int32)
            inputs[name] = np.where(np.arange(6) < random.integers(1, 7, (count, 1)), ids, -1)
        elif spec.type is InputType.SERIES:
            inputs[name] = random.normal(seed, 2.0, (count, *(spec.shape or ())))
        elif spec.shape is not None:
            inputs[name] = random.integers(0, 256, (count, *spec.shape), dtype=np.uint8)
        elif spec.type is InputType.BOOLEAN:
            inputs[name] = object_column([("true", "false")[i % 2] for i in range(count)])
        elif spec.type is InputType.DATETIME:
            hours = random.integers(0, 5000, count).astype("timedelta64[h]")
            inputs[name] = np.datetime64("2013-01-01", "us") + hours
        elif spec.type is InputType.NUMBER:
            inputs[name] = random.normal(3.0 * seed, 2.0, count)
        elif spec.type is InputType.TEXT:
            inputs[name] = object_column([f"a {KINDS[i % 3]} one, no. {i % 5}" for i in range(count)])
        else:
            inputs[name] = object_column([KINDS[i % 3] for i in range(count)])
    return Rows(inputs, object_column([None] * count), None, hash_rows(inputs, schema))


def png(pixels: Any) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()
