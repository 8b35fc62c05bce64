"""What is recorded once a candidate has been decided on: branches, and for one that lives, a version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import fmean

from growlearn.domain.evaluation import Evaluation
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.lineage import Branch, BranchState, Task, Version


def branches_of(
    plan: GrowthPlan, result: GrowthResult, version: int | None, at: datetime
) -> tuple[Branch, ...]:
    """The new branches: kept in a version, or rejected where there is none."""
    return tuple(
        Branch(
            stream=plan.stream,
            id=weights.id,
            parent=weights.parent,
            stem=weights.stem,
            task=plan.task,
            window=plan.window,
            version=version,
            parameters=parameters,
            sha256=weights.sha256,
            state=BranchState.REJECTED if version is None else BranchState.KEPT,
            created_at=at,
        )
        for weights, parameters in zip(result.branches, result.branch_parameters, strict=True)
    )


def task_of(plan: GrowthPlan, result: GrowthResult, version: int, at: datetime) -> Task:
    """The task the candidate opens."""
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


def version_of(
    plan: GrowthPlan,
    result: GrowthResult,
    evaluation: Evaluation,
    earlier: Sequence[Version],
    base: Version | None,
    at: datetime,
) -> Version:
    """The candidate as the stream's next version."""
    manifest = result.manifest_of(plan)
    return Version(
        stream=plan.stream,
        number=max((version.number for version in earlier), default=0) + 1,
        parent=None if base is None else base.number,
        window=plan.window,
        branches=tuple(branch.id for branch in manifest.branches),
        tasks=tuple(task.name for task in manifest.tasks),
        parameters=(0 if base is None else base.parameters) + sum(result.branch_parameters),
        average_accuracy=fmean(cell.accuracy for cell in evaluation.cells),
        manifest=manifest,
        created_at=at,
    )
