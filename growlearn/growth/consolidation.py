"""Distillation of a model's branches into fewer: a plan in, stored weights and a result out.

tasks -> circles of tasks that may share a branch (kinship)
      -> for each circle a copy of one branch and its stem, and a new head a task (pupil)
rows  -> answers of the model consolidated, computed once -> loss against these and the labels
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

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.lineage import BranchWeights, Manifest, RouterWeights, TaskHead
from growlearn.growth import checkpoint
from growlearn.growth.circumstances import circumstances_here
from growlearn.growth.course import Tuition, run_course, step
from growlearn.growth.kinship import circles_of
from growlearn.growth.model import weights
from growlearn.growth.model.network import GrowingNetwork, load_network
from growlearn.growth.pupil import Feed, Pupil, enrol, feed_of, lesson_loss, marks
from growlearn.growth.router.features import FIXED
from growlearn.growth.schedule import Pace
from growlearn.growth.train import peak_memory_bytes
from growlearn.ingest.rows import from_parquet
from growlearn.ports import Artifacts, Report


def consolidate(
    plan: ConsolidationPlan, artifacts: Artifacts, scratch: Path, report: Report
) -> ConsolidationResult:
    """Teach every task to fewer branches; an interrupted call with the same plan goes on where it stopped.

    `scratch` is a folder of this plan's own, for its checkpoint.
    """
    started = time.perf_counter()
    teacher, schema = load_network(plan.base, artifacts.get), plan.base.schema
    train = {each.task: from_parquet(artifacts.get(each.train), schema) for each in plan.lessons}
    chosen_on = {each.task: from_parquet(artifacts.get(each.validation), schema) for each in plan.lessons}
    circles = circles_of(teacher, plan.base.tasks, train, len(plan.new_branches))
    pupils = [enrol(circle, teacher, train, plan.seed) for circle in circles]
    lessons = [feed_of(pupil, teacher, train) for pupil in pupils]
    tests = [feed_of(pupil, teacher, chosen_on) for pupil in pupils]
    modules = [module for pupil in pupils for module in pupil.modules()]
    course = run_course(
        modules,
        plan.growth,
        scratch / "checkpoint.safetensors",
        Tuition(
            partial(_begin, pupils, lessons),
            partial(_train_epoch, pupils, lessons, plan),
            partial(_validate, pupils, tests),
        ),
        report,
    )
    checkpoint.restore(modules, course.best)
    branches = _store(plan, pupils, artifacts)
    return ConsolidationResult(
        branches=branches,
        branch_parameters=tuple(pupil.parameters() for pupil in pupils),
        heads=_heads(plan.base, pupils, branches, artifacts),
        router=_router(plan.base),
        epochs=course.epochs,
        best_epoch=course.best_epoch,
        birth_loss=course.birth_loss,
        best_loss=course.best_loss,
        train_rows=sum(map(len, lessons)),
        validation_rows=sum(map(len, tests)),
        seconds=time.perf_counter() - started,
        peak_memory_bytes=peak_memory_bytes(),
        threads=torch.get_num_threads(),
        seed=plan.seed,
        circumstances=circumstances_here(),
    )


def _begin(pupils: Sequence[Pupil], lessons: Sequence[Feed]) -> None:
    for pupil, feed in zip(pupils, lessons, strict=True):
        pupil.start_heads(feed)


def _train_epoch(
    pupils: Sequence[Pupil],
    lessons: Sequence[Feed],
    plan: ConsolidationPlan,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    now: Pace,
) -> float:
    """One pass of every pupil over the rows of its tasks, all mixed, in an order fixed by seed and epoch."""
    total, size = 0.0, plan.growth.batch_size
    for pupil, feed in zip(pupils, lessons, strict=True):
        steps = math.ceil(len(feed) / size)
        order = torch.randperm(len(feed), generator=torch.Generator().manual_seed(plan.seed * 1009 + epoch))
        for done, index in enumerate(torch.split(order, size)):
            loss = lesson_loss(pupil, feed, index)
            step(optimizer, loss, now.rate(epoch - 1 + done / steps))
            total += loss.item() * len(index)
    return total / sum(map(len, lessons))


def _validate(pupils: Sequence[Pupil], tests: Sequence[Feed]) -> tuple[float, float]:
    """The loss that is trained, in nats, and accuracy; each task weighs the same."""
    found = [mark for pupil, feed in zip(pupils, tests, strict=True) for mark in marks(pupil, feed)]
    return fmean(loss for loss, _ in found), fmean(right for _, right in found)


def _store(
    plan: ConsolidationPlan, pupils: Sequence[Pupil], artifacts: Artifacts
) -> tuple[BranchWeights, ...]:
    """Each new branch together with its stem; its parent is the branch that it began as a copy of."""
    network = GrowingNetwork(plan.base.model)
    entries: list[BranchWeights] = []
    for name, pupil in zip(plan.new_branches, pupils, strict=False):
        network.add_branch(name, pupil.begun.branch, name, pupil.begun.stem)
        sha256 = artifacts.put(network.branch_weights(name))
        entries.append(BranchWeights(id=name, parent=pupil.circle.branch, stem=name, sha256=sha256))
    return tuple(entries)


def _heads(
    base: Manifest, pupils: Sequence[Pupil], branches: Sequence[BranchWeights], artifacts: Artifacts
) -> tuple[TaskHead, ...]:
    """Every task's new head over its one branch, in the order of the base's tasks."""
    found: dict[str, TaskHead] = {}
    for pupil, branch in zip(pupils, branches, strict=True):
        for task, head in zip(pupil.circle.tasks, pupil.heads, strict=True):
            sha256 = artifacts.put(weights.dump(head.state_dict()))
            found[task] = replace(base.task(task), lineage=(branch.id,), sha256=sha256)
    return tuple(found[task.name] for task in base.tasks)


def _router(base: Manifest) -> RouterWeights | None:
    """The router as it was: it reads the stem it was made for, which stays with it where it has to."""
    fixed = all(column.type in FIXED for column in base.schema.inputs.values())
    if base.router is None or base.router.stem is not None or fixed:
        return base.router
    return replace(base.router, stem=base.branches[0].sha256)
