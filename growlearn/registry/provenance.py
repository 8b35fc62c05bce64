"""The provenance of a version, from the stored record of its window."""

from __future__ import annotations

from growlearn.domain.environment import Provenance
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import Version
from growlearn.domain.stream import WindowRecord
from growlearn.registry.records import CandidatePlan

TRAIN, VALIDATION, HOLDOUT = "train", "validation", "holdout"
"""Parts of a task's stored rows; training reads the first two only."""


def get_provenance(version: Version, record: WindowRecord) -> Provenance | None:
    """The seed, the data and the environment of a version; None where its window has no plan."""
    plan, result = record.plan, record.result
    if plan is None:
        return None
    return Provenance(
        stream=version.stream,
        version=version.number,
        parent=version.parent,
        window=version.window,
        seed=plan.seed,
        data=get_data_hashes(plan),
        environment=None if result is None else result.environment,
    )


def get_data_hashes(plan: CandidatePlan) -> dict[str, str]:
    """sha256 of each part of a plan's stored rows, by name; prefixed with the task for a consolidation."""
    if isinstance(plan, GrowthPlan):
        return {TRAIN: plan.train, VALIDATION: plan.validation, HOLDOUT: plan.holdout}
    return {
        f"{task_data.task}/{part}": sha256
        for task_data in plan.task_data
        for part, sha256 in (
            (TRAIN, task_data.train),
            (VALIDATION, task_data.validation),
            (HOLDOUT, task_data.holdout),
        )
    }
