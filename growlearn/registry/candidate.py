"""What is recorded once a candidate has been decided on: branches, and for one that lives, a version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import fmean
from typing import TypeAlias

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.evaluation import Evaluation
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.lineage import Branch, BranchState, Manifest, Task, Version
from growlearn.domain.schema import Label

Plan: TypeAlias = GrowthPlan | ConsolidationPlan
Result: TypeAlias = GrowthResult | ConsolidationResult


def branches_of(plan: Plan, result: Result, version: int | None, at: datetime) -> tuple[Branch, ...]:
    """The new branches: kept in a version, or rejected where there is none."""
    return tuple(
        Branch(
            stream=plan.stream,
            id=weights.id,
            parent=weights.parent,
            stem=weights.stem,
            task=_served(plan, result, weights.id),
            window=plan.window,
            version=version,
            parameters=parameters,
            sha256=weights.sha256,
            state=BranchState.REJECTED if version is None else BranchState.KEPT,
            created_at=at,
        )
        for weights, parameters in zip(result.branches, result.branch_parameters, strict=True)
    )


def task_of(plan: Plan, result: Result, version: int, at: datetime) -> Task | None:
    """The task the candidate opens, if any."""
    if isinstance(plan, ConsolidationPlan):
        return None
    assert isinstance(result, GrowthResult)
    return Task(
        stream=plan.stream,
        name=plan.task,
        classes=plan.classes,
        lineage=result.lineage,
        head=result.head,
        holdout=plan.holdout,
        reference=plan.validation,
        window=plan.window,
        version=version,
        opened_at=at,
    )


def _served(plan: Plan, result: Result, branch: str) -> str:
    """The task a branch was grown for, or all that were taught to it."""
    if isinstance(plan, GrowthPlan):
        return plan.task
    assert isinstance(result, ConsolidationResult)
    return ", ".join(head.name for head in result.heads if branch in head.lineage)


def classes_of(plan: Plan) -> dict[str, tuple[Label, ...]]:
    """The classes of each task of the candidate, in the order of its logits."""
    known = {head.name: head.classes for head in plan.base.tasks}
    return known | ({plan.task: plan.classes} if isinstance(plan, GrowthPlan) else {})


def manifest_of(plan: Plan, result: Result) -> Manifest:
    """The candidate itself."""
    if isinstance(plan, GrowthPlan):
        assert isinstance(result, GrowthResult)
        return result.manifest_of(plan)
    assert isinstance(result, ConsolidationResult)
    return result.manifest_of(plan)


def version_of(
    plan: Plan,
    result: Result,
    evaluation: Evaluation,
    earlier: Sequence[Version],
    base: Version | None,
    at: datetime,
) -> Version:
    """The candidate as the stream's next version."""
    manifest = manifest_of(plan, result)
    carried = 0 if base is None or isinstance(plan, ConsolidationPlan) else base.parameters
    return Version(
        stream=plan.stream,
        number=max((version.number for version in earlier), default=0) + 1,
        parent=None if base is None else base.number,
        window=plan.window,
        branches=tuple(branch.id for branch in manifest.branches),
        tasks=tuple(task.name for task in manifest.tasks),
        parameters=carried + result.parameters,
        average_accuracy=fmean(cell.accuracy for cell in evaluation.cells),
        manifest=manifest,
        created_at=at,
    )
