"""Smaller models to compare a planned branch with, trained on the same rows for the same compute."""

from __future__ import annotations

from dataclasses import replace

from growlearn.domain.growth import BranchInit, GrowthPlan

HEAD_EPOCH_FACTOR = 8
"""Epochs of a head alone for one epoch of a branch; on cached features both cost the same (docs/adr/0013)."""


def new_head_plan(plan: GrowthPlan) -> GrowthPlan | None:
    """Plan a new head on the frozen lineage with the best probe score, without a new branch.

    None where the model has no frozen lineage.
    """
    frozen = [score for score in plan.probe_scores if score.init is BranchInit.RESIDUAL and score.lineage]
    if not frozen:
        return None
    growth = plan.growth
    best = max(frozen, key=lambda score: score.merit(plan.metric))  # of equals the first: a shorter lineage
    return replace(
        plan,
        parent_task=best.task,
        lineage=best.lineage,
        init=BranchInit.RESIDUAL,
        init_head_from_parent=_has_same_classes(plan, best.task),
        new_branches=(),
        growth=replace(
            growth, epochs=HEAD_EPOCH_FACTOR * growth.epochs, patience=HEAD_EPOCH_FACTOR * growth.patience
        ),
        train_router=False,
    )


def fine_tune_plan(plan: GrowthPlan) -> GrowthPlan | None:
    """Plan a copy of the newest branch, trained without the branches before it.

    None where `plan` is that already. The newest branch itself stays frozen.
    """
    if not plan.parent_manifest.tasks:
        return None
    newest = plan.parent_manifest.tasks[-1].name
    tuned_plan = replace(
        plan,
        parent_task=newest,
        lineage=(),
        init=BranchInit.WARM_START,
        init_head_from_parent=_has_same_classes(plan, newest),
        new_branches=plan.new_branches[:1],
        train_router=False,
    )
    return None if replace(tuned_plan, train_router=plan.train_router) == plan else tuned_plan


def _has_same_classes(plan: GrowthPlan, task: str | None) -> bool:
    return task is not None and plan.parent_manifest.task(task).classes == plan.classes
