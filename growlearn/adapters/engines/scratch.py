"""Scratch folders: one a plan, gone once the stream has moved on."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter

from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.growth import GrowthPlan

PLAN: TypeAdapter[GrowthPlan | ConsolidationPlan] = TypeAdapter(
    GrowthPlan | ConsolidationPlan,
    config=ConfigDict(ser_json_inf_nan="strings"),  # a trial's accuracy may be NaN
)


def plan_folder(scratch: Path, plan: GrowthPlan | ConsolidationPlan) -> Path:
    """The plan's own folder, named by window and content; those of the stream's other windows go."""
    stream = scratch / plan.stream
    digest = hashlib.sha256(PLAN.dump_json(plan)).hexdigest()[:16]
    for other in stream.glob("*"):
        if other.name.partition("-")[0] != plan.window:
            shutil.rmtree(other, ignore_errors=True)
    folder = stream / f"{plan.window}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
