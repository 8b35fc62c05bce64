"""The records of a decided candidate: its branches, and for an accepted one a version and its task."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import fmean
from typing import TypeAlias

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.evaluation import Evaluation
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.lineage import BranchRecord, BranchState, Manifest, Task, Version
from growlearn.domain.schema import Label

CandidatePlan: TypeAlias = GrowthPlan | ConsolidationPlan
CandidateResult: TypeAlias = GrowthResult | ConsolidationResult


def make_branches(
    plan: CandidatePlan, result: CandidateResult, version: int | None, at: datetime
) -> tuple[BranchRecord, ...]:
    """The new branches, accepted in a version, or rejected where `version` is None."""
    return tuple(
        BranchRecord(
            stream=plan.stream,
            id=weights.id,
            parent=weights.parent,
            stem=weights.stem,
            task=_tasks_served_by_branch(plan, result, weights.id),
            window=plan.window,
            version=version,
            parameters=parameters,
            sha256=weights.sha256,
            state=BranchState.REJECTED if version is None else BranchState.ACCEPTED,
            created_at=at,
        )
        for weights, parameters in zip(result.branches, result.branch_parameters, strict=True)
    )


def make_task(plan: CandidatePlan, result: CandidateResult, version: int) -> Task | None:
    """The new task of a candidate, if any."""
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
        reference_rows=plan.validation,
        window=plan.window,
        version=version,
    )


def _tasks_served_by_branch(plan: CandidatePlan, result: CandidateResult, branch: str) -> str:
    """The task that a branch was grown for, or all tasks distilled into it."""
    if isinstance(plan, GrowthPlan):
        return plan.task
    assert isinstance(result, ConsolidationResult)
    return ", ".join(head.name for head in result.heads if branch in head.lineage)


def get_task_classes(plan: CandidatePlan) -> dict[str, tuple[Label, ...]]:
    """The classes of each of the candidate's tasks, in the order of its logits."""
    existing_classes = {head.name: head.classes for head in plan.parent_manifest.tasks}
    return existing_classes | ({plan.task: plan.classes} if isinstance(plan, GrowthPlan) else {})


def make_candidate_manifest(plan: CandidatePlan, result: CandidateResult) -> Manifest:
    """The manifest of the candidate."""
    if isinstance(plan, GrowthPlan):
        assert isinstance(result, GrowthResult)
        return result.build_manifest(plan)
    assert isinstance(result, ConsolidationResult)
    return result.build_manifest(plan)


def make_version(
    plan: CandidatePlan,
    result: CandidateResult,
    evaluation: Evaluation,
    earlier_versions: Sequence[Version],
    parent: Version | None,
    at: datetime,
    stored_branches: Sequence[BranchRecord] = (),
) -> Version:
    """The candidate as the stream's next version; `stored_branches` count those that it no longer has."""
    manifest = make_candidate_manifest(plan, result)
    frozen_parameters = 0
    if parent is not None and isinstance(plan, GrowthPlan):
        dropped = set(parent.branches) - {branch.id for branch in manifest.branches}
        frozen_parameters = parent.parameters - sum(
            branch.parameters for branch in stored_branches if branch.id in dropped
        )
    return Version(
        stream=plan.stream,
        number=max((version.number for version in earlier_versions), default=0) + 1,
        parent=None if parent is None else parent.number,
        window=plan.window,
        branches=tuple(branch.id for branch in manifest.branches),
        tasks=tuple(task.name for task in manifest.tasks),
        parameters=frozen_parameters + result.parameters,
        average_accuracy=fmean(task_score.accuracy for task_score in evaluation.task_scores),
        manifest=manifest,
        created_at=at,
    )
