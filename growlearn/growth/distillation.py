"""Distillation of a model's branches into fewer: a plan in, stored weights and a result out.

tasks -> groups of tasks that share a branch (task_grouping)
      -> for each group a copy of one branch and its stem, and a new head per task (student)
rows  -> the teacher's logits, computed once -> loss against these and the labels
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.lineage import BranchWeights, Manifest, RouterWeights, TaskHead
from growlearn.domain.metric import METRICS
from growlearn.growth import checkpoint
from growlearn.growth.calibration import CalibratedHead, calibrate_head
from growlearn.growth.environment import capture_environment
from growlearn.growth.lr_schedule import LrSchedule
from growlearn.growth.mixed_precision import mixed_precision
from growlearn.growth.student import (
    DistillationData,
    Student,
    TaskOutcome,
    batch_loss,
    evaluate_student,
    init_student,
    make_distillation_data,
)
from growlearn.growth.task_grouping import group_tasks
from growlearn.growth.train import peak_memory_bytes
from growlearn.growth.training_loop import TrainingHooks, fit, mean_loss, optimizer_step
from growlearn.growth.validation_score import ValidationScore
from growlearn.ingest.rows import from_parquet
from growlearn.network.devices import CPU_DEVICE
from growlearn.network.model import weights
from growlearn.network.model.network import GrowingNetwork, load_network
from growlearn.network.router.features import FIXED_FEATURES
from growlearn.network.stems.stem import training_mode
from growlearn.ports import Artifacts, ProgressCallback


def consolidate_branches(
    plan: ConsolidationPlan,
    artifacts: Artifacts,
    scratch_dir: Path,
    on_progress: ProgressCallback,
    device: torch.device = CPU_DEVICE,
) -> ConsolidationResult:
    """Distil every task into fewer branches on a device.

    A call with the same plan resumes an interrupted one. `scratch_dir` is a folder for this plan alone; it
    holds the checkpoint.
    """
    started = time.perf_counter()
    teacher = load_network(plan.parent_manifest, artifacts.get, device=device)
    schema = plan.parent_manifest.schema
    train_rows = {data.task: from_parquet(artifacts.view(data.train), schema) for data in plan.task_data}
    validation_rows = {
        data.task: from_parquet(artifacts.view(data.validation), schema) for data in plan.task_data
    }
    task_groups = group_tasks(teacher, plan.parent_manifest.tasks, train_rows, len(plan.new_branches))
    calibrations = {head.name: head.calibration for head in plan.parent_manifest.tasks}
    students = [
        init_student(task_group, teacher, train_rows, plan.seed, calibrations) for task_group in task_groups
    ]
    train_data = [make_distillation_data(student, teacher, train_rows) for student in students]
    validation_data = [make_distillation_data(student, teacher, validation_rows) for student in students]
    modules = [module for student in students for module in student.modules()]
    hooks = _make_hooks(plan, students, train_data, validation_data)
    training_state = fit(modules, plan.growth, scratch_dir / "checkpoint.safetensors", hooks, on_progress)
    checkpoint.restore_state(modules, training_state.best)
    branches = _store_branches(plan, students, artifacts)
    return ConsolidationResult(
        branches=branches,
        branch_parameters=tuple(student.num_parameters() for student in students),
        heads=_store_heads(plan, students, branches, validation_data, artifacts),
        router=_keep_router(plan.parent_manifest),
        epochs=training_state.epochs,
        best_epoch=training_state.best_epoch,
        initial_loss=training_state.initial_loss,
        best_loss=training_state.best_loss,
        train_rows=sum(map(len, train_data)),
        validation_rows=sum(map(len, validation_data)),
        seconds=time.perf_counter() - started,
        peak_memory_bytes=peak_memory_bytes(),
        threads=torch.get_num_threads(),
        seed=plan.seed,
        environment=capture_environment(device),
    )


def _make_hooks(
    plan: ConsolidationPlan,
    students: Sequence[Student],
    train_data: Sequence[DistillationData],
    validation_data: Sequence[DistillationData],
) -> TrainingHooks:
    return TrainingHooks(
        partial(_fit_initial_heads, students, train_data),
        partial(_train_epoch, students, train_data, plan),
        partial(_validate, plan, students, validation_data),
        METRICS[plan.metric],
    )


def _fit_initial_heads(students: Sequence[Student], train_data: Sequence[DistillationData]) -> None:
    for student, student_data in zip(students, train_data, strict=True):
        student.fit_initial_heads(student_data)


def _train_epoch(
    students: Sequence[Student],
    train_data: Sequence[DistillationData],
    plan: ConsolidationPlan,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    lr_schedule: LrSchedule,
) -> float:
    """One pass of every student over the rows of its tasks, shuffled by seed and epoch."""
    losses: list[Tensor] = []  # of each student, [steps]
    batches: list[Tensor] = []
    for student, student_data in zip(students, train_data, strict=True):
        size, rate_factor = plan.growth.batching(len(student_data))
        steps = math.ceil(len(student_data) / size)
        order = torch.randperm(
            len(student_data), generator=torch.Generator().manual_seed(plan.seed * 1009 + epoch)
        )
        stem, student_losses = student.pair.stem, torch.empty(steps, device=student.device)
        for batch_index, index in enumerate(torch.split(order, size)):
            with training_mode(stem), mixed_precision(stem, student.device, plan.growth.precision):
                loss = batch_loss(student, student_data, index)
            rate = lr_schedule.learning_rate_at(epoch - 1 + batch_index / steps) * rate_factor
            optimizer_step(optimizer, loss, rate)
            student_losses[batch_index] = loss.detach()
            batches.append(index)
        losses.append(student_losses)
    return mean_loss(torch.cat(losses), batches)


def _validate(
    plan: ConsolidationPlan, students: Sequence[Student], validation_data: Sequence[DistillationData]
) -> ValidationScore:
    """The distillation loss in nats, accuracy and metric; each task has the same weight.

    The metric has no value where it is not defined on a task's rows.
    """
    outcomes = _evaluate_tasks(students, validation_data)
    values: list[float | None] = [None]
    if not METRICS[plan.metric].is_accuracy:
        values = [_calibrate(plan, task, outcome).value for task, outcome in outcomes.items()]
    return ValidationScore(
        fmean(outcome.loss for outcome in outcomes.values()),
        fmean(outcome.accuracy for outcome in outcomes.values()),
        None if None in values else fmean(value for value in values if value is not None),
    )


def _evaluate_tasks(
    students: Sequence[Student], validation_data: Sequence[DistillationData]
) -> dict[str, TaskOutcome]:
    """Each task on its validation rows, by name."""
    return {
        task: outcome
        for student, student_data in zip(students, validation_data, strict=True)
        for task, outcome in zip(
            student.task_group.tasks, evaluate_student(student, student_data), strict=True
        )
    }


def _calibrate(plan: ConsolidationPlan, task: str, outcome: TaskOutcome) -> CalibratedHead:
    """The temperature and threshold of a task's new head; its logits follow the teacher's class weights."""
    head = plan.parent_manifest.task(task)
    weights_of_classes = [math.exp(-offset) for offset in head.calibration.offsets]
    return calibrate_head(
        outcome.logits.cpu().numpy(),
        outcome.targets.cpu().numpy(),
        METRICS[plan.metric],
        weights_of_classes,
        head.positive_index,
    )


def _store_branches(
    plan: ConsolidationPlan, students: Sequence[Student], artifacts: Artifacts
) -> tuple[BranchWeights, ...]:
    """Store each new branch with its stem; its parent is the branch that it was copied from."""
    network = GrowingNetwork(plan.parent_manifest.model)
    entries: list[BranchWeights] = []
    for name, student in zip(plan.new_branches, students, strict=False):
        network.add_branch(name, student.pair.branch, name, student.pair.stem)
        sha256 = artifacts.put(network.dump_branch(name))
        entries.append(BranchWeights(id=name, parent=student.task_group.branch, stem=name, sha256=sha256))
    return tuple(entries)


def _store_heads(
    plan: ConsolidationPlan,
    students: Sequence[Student],
    branches: Sequence[BranchWeights],
    validation_data: Sequence[DistillationData],
    artifacts: Artifacts,
) -> tuple[TaskHead, ...]:
    """Store every task's new head on its one branch, in the order of the parent model's tasks."""
    task_heads: dict[str, TaskHead] = {}
    parent_manifest, outcomes = plan.parent_manifest, _evaluate_tasks(students, validation_data)
    for student, branch in zip(students, branches, strict=True):
        for task, head in zip(student.task_group.tasks, student.heads, strict=True):
            sha256 = artifacts.put(weights.dump_weights(head.state_dict()))
            calibrated = _calibrate(plan, task, outcomes[task])
            task_heads[task] = replace(
                parent_manifest.task(task),
                lineage=(branch.id,),
                sha256=sha256,
                calibration=calibrated.calibration,
                threshold=calibrated.threshold,
            )
    return tuple(task_heads[task.name] for task in parent_manifest.tasks)


def _keep_router(parent_manifest: Manifest) -> RouterWeights | None:
    """The router unchanged; where it reads stem tokens it keeps the stem that it was fitted on."""
    all_fixed = all(column.type in FIXED_FEATURES for column in parent_manifest.schema.inputs.values())
    if parent_manifest.router is None or parent_manifest.router.stem is not None or all_fixed:
        return parent_manifest.router
    return replace(parent_manifest.router, stem=parent_manifest.branches[0].sha256)
