"""What holds of training, evaluation and answers on every device; the CPU is the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from growlearn.adapters.memory.artifacts import MemoryArtifacts
from growlearn.domain.consolidation import ConsolidationPlan, TaskData
from growlearn.domain.device import device_type
from growlearn.domain.growth import ALONE, BranchInit, GrowthPlan, GrowthResult
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import Manifest
from growlearn.domain.schema import InputType, Schema
from growlearn.growth.branch_init import init_trainable_parts
from growlearn.growth.combination import COMBINATIONS
from growlearn.growth.distillation import consolidate_branches
from growlearn.growth.train import train_branch
from growlearn.ingest.rows import Rows, to_parquet
from growlearn.network import transfer
from growlearn.network.bitwise_check import compute_check_logits, max_differences
from growlearn.network.devices import CPU_DEVICE
from growlearn.network.model import weights
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.model_cache import ModelCache
from growlearn.serving.predictor import Predictor
from tests.rows_of_every_type import MODEL, SPECS, plan_of, rows_of
from tests.unit.model_builder import ModelBuilder

EVERY_TYPE = Schema(inputs={str(kind): spec for kind, spec in SPECS.items()})
NUMBERS = Schema(inputs={"x": SPECS[InputType.NUMBER], "y": SPECS[InputType.SERIES]})
GROWTH = GrowthConfig(epochs=1, batch_size=32, dropout=0.1, augmentation=("flip", "shift"))


class _StoppedError(Exception):
    pass


class Stream:
    """A model grown window by window on one device, from random rows of two classes."""

    def __init__(self, schema: Schema, device: torch.device, folder: Path, epochs: int = 1) -> None:
        self.schema, self.device, self.folder = schema, device, folder
        self.growth = replace(GROWTH, epochs=epochs)
        self.artifacts = MemoryArtifacts()
        self.manifest = Manifest(stream="s", schema=schema, model=MODEL, branches=(), tasks=())

    def plan(self, init: BranchInit) -> GrowthPlan:
        number = 1 + len(self.manifest.tasks)
        train, validation = (rows_of(self.schema, seed=number + part, count=90) for part in (0, 10))
        return replace(
            plan_of(self.manifest, number, init),
            train=self.artifacts.put(to_parquet(train, self.schema)),
            validation=self.artifacts.put(to_parquet(validation, self.schema)),
            growth=self.growth,
            combinations=() if number == 1 else (*COMBINATIONS, ALONE),
            class_weights=(0.5, 1.5),
            train_router=True,
        )

    def grow(self, init: BranchInit, on_progress: object = lambda _: None) -> GrowthResult:
        plan = self.plan(init)
        folder = self.folder / plan.window
        result = train_branch(plan, self.artifacts, folder, on_progress, self.device)  # type: ignore[arg-type]
        self.manifest = result.build_manifest(plan)
        return result

    def answers(self, device: torch.device) -> dict[str, torch.Tensor]:
        """Logits of every task, and the router's scores."""
        rows = {task.name: rows_of(self.schema, seed=20) for task in self.manifest.tasks}
        return compute_check_logits(self.manifest, rows, ModelCache(self.artifacts, device))


def largest(differences: dict[str, float]) -> float:
    return max(differences.values(), default=0.0)


def test_every_input_type_is_trained_on_a_device_and_answers_on_the_cpu(
    other_device: torch.device, tmp_path: Path
) -> None:
    stream = Stream(EVERY_TYPE, other_device, tmp_path)
    for init in (BranchInit.SCRATCH, BranchInit.RESIDUAL, BranchInit.WARM_START):
        result = stream.grow(init)
        assert np.isfinite(result.best_loss)
        assert result.environment is not None
        assert device_type(result.environment.device) == other_device.type
    answers = stream.answers(other_device)
    assert max_differences(answers, stream.answers(other_device)) == {}
    assert largest(max_differences(answers, stream.answers(CPU_DEVICE))) < 1e-4
    rows = rows_of(EVERY_TYPE, seed=30)
    predictors = [
        Predictor(stream.manifest, stream.artifacts.get, device=d) for d in (other_device, CPU_DEVICE)
    ]
    there, here = (predictor.answer(rows, proba=True) for predictor in predictors)
    assert there.task.tolist() == here.task.tolist()
    assert np.abs(there.class_probabilities - here.class_probabilities).max() < 1e-4


def test_an_interrupted_training_ends_in_the_same_bits(other_device: torch.device, tmp_path: Path) -> None:
    whole = Stream(NUMBERS, other_device, tmp_path / "whole", epochs=2).grow(BranchInit.SCRATCH)

    def stop(_: object) -> None:
        raise _StoppedError

    stopped = Stream(NUMBERS, other_device, tmp_path / "stopped", epochs=2)
    with pytest.raises(_StoppedError):
        stopped.grow(BranchInit.SCRATCH, stop)
    resumed = stopped.grow(BranchInit.SCRATCH)
    assert (resumed.branches, resumed.head, resumed.router) == (whole.branches, whole.head, whole.router)


def test_training_starts_from_the_weights_of_the_cpu(other_device: torch.device, tmp_path: Path) -> None:
    starts = []
    for device in (other_device, CPU_DEVICE):
        plan = Stream(EVERY_TYPE, device, tmp_path).plan(BranchInit.SCRATCH)
        network, rows = GrowingNetwork(MODEL).to(device), rows_of(EVERY_TYPE, seed=1)
        parts = init_trainable_parts(plan, network, rows)
        assert {parameter.device for module in parts.modules() for parameter in module.parameters()} == {
            device
        }
        starts.append([weights.dump_weights(module.state_dict()) for module in parts.modules()])
    assert starts[0] == starts[1]


def test_features_that_do_not_fit_on_the_device_stay_in_memory(
    other_device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(NUMBERS, other_device, tmp_path)
    stream.grow(BranchInit.SCRATCH)
    first = stream.manifest
    on_device = stream.grow(BranchInit.RESIDUAL)
    stream.manifest, stream.folder = first, tmp_path / "again"
    monkeypatch.setattr("growlearn.growth.feature_cache.cache_budget_bytes", lambda _: 0)
    in_memory = stream.grow(BranchInit.RESIDUAL)
    assert (in_memory.branches, in_memory.head) == (on_device.branches, on_device.head)


def test_a_device_without_float64_reads_numbers_and_series_on_the_cpu(
    other_device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "WITHOUT_DOUBLE", frozenset({other_device.type}))
    schema = Schema(inputs={**NUMBERS.inputs, "z": SPECS[InputType.DATETIME]})
    stream = Stream(schema, other_device, tmp_path)
    stream.grow(BranchInit.SCRATCH)
    stream.grow(BranchInit.RESIDUAL)
    network = load_network(stream.manifest, stream.artifacts.get, device=other_device)
    places = {
        tensor.device.type
        for tensor in (*network.parameters(), *network.buffers())
        if tensor.dtype == torch.float64
    }
    assert places == {"cpu"}
    assert largest(max_differences(stream.answers(other_device), stream.answers(CPU_DEVICE))) < 1e-4


def consolidation_plan(builder: ModelBuilder, tasks: Sequence[tuple[int, int]]) -> ConsolidationPlan:
    task_data = []
    for number, classes in enumerate(tasks, 1):
        rows: Rows = builder.only(*classes).take(np.arange(100))
        grown = builder.plan(rows, parent=None if number == 1 else "task-1")
        builder.keep(grown)
        task_data.append(
            TaskData(task=grown.task, train=grown.train, validation=grown.validation, holdout=grown.holdout)
        )
    return ConsolidationPlan(
        stream="digits",
        window="w9",
        parent_manifest=builder.manifest,
        parent_version=len(tasks),
        task_data=tuple(task_data),
        new_branches=("b9",),
        growth=replace(builder.plan(builder.digits).growth, epochs=2),
        max_accuracy_drop=0.01,
        seed=5,
    )


def test_branches_are_distilled_on_a_device(
    other_device: torch.device, tmp_path: Path, digit_rows: Rows
) -> None:
    builder = ModelBuilder(tmp_path, digit_rows)
    plan = consolidation_plan(builder, [(0, 1), (2, 3)])
    result = consolidate_branches(plan, builder.artifacts, tmp_path / "there", lambda _: None, other_device)
    assert result.environment is not None
    assert device_type(result.environment.device) == other_device.type
    manifest, rows = result.build_manifest(plan), builder.only(0, 1).take(np.arange(40))
    there, here = (
        load_network(manifest, builder.artifacts.get, device=device).logits(rows, "task-1")
        for device in (other_device, CPU_DEVICE)
    )
    assert np.abs(there - here).max() < 1e-4
    assert (there.argmax(1) == rows.labels).mean() > 0.8
