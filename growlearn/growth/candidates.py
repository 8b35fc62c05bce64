"""The candidates of a growth: branches that the frozen answer enters, a branch alone, and a head alone.

All are trained on the same rows. What they differ in is how the branch starts and how it joins the frozen
answer F, a F + s h (docs/adr/0018).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from growlearn.domain.growth import ALONE, BranchInit, Combination, GrowthPlan
from growlearn.domain.model_selection import CandidateKind
from growlearn.growth.combination import COMBINATIONS

HEAD_EPOCH_FACTOR = 8
"""Epochs of a head alone for one epoch of a branch; on cached features both cost the same (docs/adr/0013)."""

_RESIDUAL = Combination(frozen_weight=1.0, step_size=0.3)


def plan_candidates(plan: GrowthPlan, baselines: Collection[str]) -> dict[CandidateKind, GrowthPlan]:
    """The plans of all candidates that are trained, by kind, branches before heads.

    `plan` is the branch that the probe chose; it stands alone where no known task shares classes with the new
    one. `baselines` names what it is compared with. `average` is trained alone, so it is `fine_tune` too. The
    router learns the task once, with the first plan.
    """
    plans: dict[CandidateKind, GrowthPlan | None] = {**_joined_plans(plan)}
    if not plans:
        plans[CandidateKind.BRANCH] = plan
    if CandidateKind.FINE_TUNE in baselines and CandidateKind.AVERAGE not in plans:
        plans[CandidateKind.FINE_TUNE] = fine_tune_plan(plan)
    if CandidateKind.NEW_HEAD in baselines:
        plans[CandidateKind.NEW_HEAD] = new_head_plan(plan)
    planned = [(kind, candidate) for kind, candidate in plans.items() if candidate is not None]
    return {
        kind: replace(candidate, train_router=plan.train_router and index == 0)
        for index, (kind, candidate) in enumerate(planned)
    }


def _joined_plans(plan: GrowthPlan) -> dict[CandidateKind, GrowthPlan]:
    """Branches that the answer of `plan.base_task` enters, by the starts that the job allows."""
    if plan.base_task is None:
        return {}
    base = plan.parent_manifest.task(plan.base_task)
    residual = replace(
        plan,
        parent_task=base.name,
        lineage=base.lineage[:1],  # its stem is frozen and cached
        new_branches=plan.new_branches[:1],
        init=BranchInit.RESIDUAL,
        init_head_from_parent=False,
        combination=_RESIDUAL,
        combinations=COMBINATIONS,
    )
    average = replace(
        residual,
        lineage=(),
        init=BranchInit.WARM_START,
        init_head_from_parent=base.classes == plan.classes,
        combination=ALONE,
    )
    allowed = plan.growth.init
    plans = {CandidateKind.RESIDUAL: residual, CandidateKind.AVERAGE: average}
    return {kind: joined for kind, joined in plans.items() if allowed in ("auto", joined.init)}


def new_head_plan(plan: GrowthPlan) -> GrowthPlan | None:
    """Plan a new head on the frozen lineage with the best probe score, without a new branch.

    Where the answer of a known task may enter, on a lineage of that task, averaged with its answer
    afterwards. None where the model has no frozen lineage.
    """
    frozen = [
        score
        for score in plan.probe_scores
        if score.init is BranchInit.RESIDUAL and score.lineage and plan.base_task in (None, score.task)
    ]
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
        combinations=() if plan.base_task is None else COMBINATIONS,
        growth=replace(
            growth,
            epochs=HEAD_EPOCH_FACTOR * growth.max_epochs,
            patience=HEAD_EPOCH_FACTOR * growth.max_patience,
        ),
    )


def fine_tune_plan(plan: GrowthPlan) -> GrowthPlan | None:
    """Plan a copy of a known task's last branch, trained without the branches before it.

    Of the task that the frozen answer is of, else of the newest one. None where `plan` itself is that already
    and no frozen answer enters. The copied branch stays frozen.
    """
    if not plan.parent_manifest.tasks:
        return None
    copied = plan.base_task or plan.parent_manifest.tasks[-1].name
    tuned_plan = replace(
        plan,
        parent_task=copied,
        lineage=(),
        init=BranchInit.WARM_START,
        init_head_from_parent=_has_same_classes(plan, copied),
        new_branches=plan.new_branches[:1],
        combination=ALONE,
        combinations=(),
    )
    return None if plan.base_task is None and tuned_plan == plan else tuned_plan


def _has_same_classes(plan: GrowthPlan, task: str | None) -> bool:
    return task is not None and plan.parent_manifest.task(task).classes == plan.classes
