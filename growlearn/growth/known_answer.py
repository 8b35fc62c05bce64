"""A new task that a known one answers as well takes its answer: nothing is trained but the router."""

from __future__ import annotations

import time
from dataclasses import replace

import torch

from growlearn.domain.growth import ALONE, BranchInit, GrowthPlan, GrowthResult
from growlearn.growth.calibration import measure_calibrated_loss
from growlearn.growth.environment import capture_environment
from growlearn.growth.training_data import to_class_indices
from growlearn.ingest.rows import from_parquet
from growlearn.network.model.network import load_network
from growlearn.network.router.router import add_task_to_router
from growlearn.ports import Artifacts


def known_answer_plan(plan: GrowthPlan, known_task: str, train_rows: int) -> GrowthPlan:
    """The plan that opens the new task with the answer of a known one, which has all of its classes.

    Its `train_rows` training rows are not learned from, so they stay new to the task.
    """
    known = plan.parent_manifest.task(known_task)
    return replace(
        plan,
        classes=known.classes,
        positive_class=known.positive_class,
        class_weights=(),
        retained=None,  # they are new still
        parent_task=known_task,
        lineage=known.lineage,
        init=BranchInit.RESIDUAL,
        init_head_from_parent=True,
        new_branches=(),
        base_task=known_task,
        combination=ALONE,
        combinations=(),
        kept_task=known_task,
        labelled_rows=tuple(rows - train_rows for rows in plan.labelled_rows),
    )


def keep_known_answer(plan: GrowthPlan, artifacts: Artifacts, device: torch.device) -> GrowthResult:
    """The known task's head and lineage as those of the new one; the router learns the new one's rows."""
    started = time.perf_counter()
    manifest = plan.parent_manifest
    assert plan.kept_task is not None, "the plan says whose answer is kept"
    known, network = manifest.task(plan.kept_task), load_network(manifest, artifacts.get, device=device)
    train, validation = (
        from_parquet(artifacts.view(rows), manifest.schema) for rows in (plan.train, plan.validation)
    )
    targets = to_class_indices(validation.labels, plan.classes).numpy()
    logits = network.logits(validation, known.name)  # [N, C]
    loss = measure_calibrated_loss(logits, targets, known.calibration)
    router = add_task_to_router(
        manifest,
        network.root_stem,
        plan.task,
        plan.classes,
        (train, validation),
        artifacts.get,
        artifacts.put,
        plan.seed,
    )
    return GrowthResult(
        branches=(),
        branch_parameters=(),
        head=known.sha256,
        initial_head=known.sha256,
        lineage=known.lineage,
        initial_lineage=known.lineage,
        epochs=(),
        best_epoch=0,
        initial_loss=loss,
        best_loss=loss,
        validation_loss=loss,
        router=router,
        prefix_losses=(loss,),
        prefix_accuracies=(float((logits.argmax(1) == targets).mean()),),
        train_rows=0,
        validation_rows=len(targets),
        seconds=time.perf_counter() - started,
        peak_memory_bytes=0,
        threads=torch.get_num_threads(),
        seed=plan.seed,
        environment=capture_environment(network.device),
        calibration=known.calibration,
        threshold=known.threshold,
    )
