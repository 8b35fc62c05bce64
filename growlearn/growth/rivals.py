"""Cheaper ways to learn a task than the branch that was planned, on the same rows for the same compute."""

from __future__ import annotations

from dataclasses import replace

from growlearn.domain.growth import Birth, GrowthPlan

HEAD_EPOCHS = 8
"""Epochs of a head alone for one of a branch: on cached features they cost no more (docs/adr/0013)."""


def head_alone(plan: GrowthPlan) -> GrowthPlan | None:
    """A head of its own on the frozen branches that a probe found best; None where there are none.

    It opens the task without a new branch.
    """
    frozen = [score for score in plan.parent_scores if score.birth is Birth.ZERO and score.lineage]
    if not frozen:
        return None
    growth = plan.growth
    best = max(frozen, key=lambda score: score.accuracy)  # the first of equals: the shorter lineage
    return replace(
        plan,
        parent=best.task,
        lineage=best.lineage,
        birth=Birth.ZERO,
        copy_head=_has_classes(plan, best.task),
        new_branches=(),
        growth=replace(growth, epochs=HEAD_EPOCHS * growth.epochs, patience=HEAD_EPOCHS * growth.patience),
        route=False,
    )


def fine_tuned(plan: GrowthPlan) -> GrowthPlan | None:
    """A copy of the newest branch, trained on without the ones before it; None where that is the plan itself.

    The newest branch itself stays as it is: nothing learned can change.
    """
    if not plan.base.tasks:
        return None
    newest = plan.base.tasks[-1].name
    tuned = replace(
        plan,
        parent=newest,
        lineage=(),
        birth=Birth.COPY,
        copy_head=_has_classes(plan, newest),
        new_branches=plan.new_branches[:1],
        route=False,
    )
    return None if replace(tuned, route=plan.route) == plan else tuned


def _has_classes(plan: GrowthPlan, task: str | None) -> bool:
    return task is not None and plan.base.task(task).classes == plan.classes
