"""Scratch folders: one per plan, deleted once the stream is at a later window."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TypeAlias

from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.growth import GrowthPlan
from growlearn.registry.json_codec import to_json

Plan: TypeAlias = GrowthPlan | ConsolidationPlan


def prepare_plan_folder(scratch: Path, plan: Plan) -> Path:
    """The plan's own folder, named by window and content; those of the stream's other windows are deleted."""
    stream = scratch / plan.stream
    digest = hashlib.sha256(to_json(plan, Plan)).hexdigest()[:16]
    for old_folder in stream.glob("*"):
        if old_folder.name.partition("-")[0] != plan.window:
            shutil.rmtree(old_folder, ignore_errors=True)
    folder = stream / f"{plan.window}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
