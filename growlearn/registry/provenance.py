"""Where a version came from, put together from what is stored of its window."""

from __future__ import annotations

from growlearn.domain.circumstances import Provenance
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import Version
from growlearn.domain.stream import WindowRecord
from growlearn.registry.candidate import Plan

TRAIN, VALIDATION, HOLDOUT = "train", "validation", "holdout"
"""Parts of a task's stored rows; an engine reads the first two only."""


def provenance_of(version: Version, record: WindowRecord) -> Provenance | None:
    """The seed, the data and the circumstances of a version; None where its window has no plan."""
    plan, result = record.plan, record.result
    if plan is None:
        return None
    return Provenance(
        stream=version.stream,
        version=version.number,
        parent=version.parent,
        window=version.window,
        seed=plan.seed,
        data=data_of(plan),
        circumstances=None if result is None else result.circumstances,
    )


def data_of(plan: Plan) -> dict[str, str]:
    """sha256 of each part of the stored rows of a plan, by its name; with its task's where it has several."""
    if isinstance(plan, GrowthPlan):
        return {TRAIN: plan.train, VALIDATION: plan.validation, HOLDOUT: plan.holdout}
    return {
        f"{lesson.task}/{part}": sha256
        for lesson in plan.lessons
        for part, sha256 in (
            (TRAIN, lesson.train),
            (VALIDATION, lesson.validation),
            (HOLDOUT, lesson.holdout),
        )
    }
