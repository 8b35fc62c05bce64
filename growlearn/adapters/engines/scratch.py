"""Scratch folders: one per plan, deleted once the stream is at a later window."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TypeAlias

from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.device import CPU
from growlearn.domain.growth import GrowthPlan
from growlearn.registry.json_codec import to_json

Plan: TypeAlias = GrowthPlan | ConsolidationPlan


def prepare_plan_folder(scratch: Path, plan: Plan, device_type: str = CPU) -> Path:
    """The plan's own folder, named by window, content and type of device.

    So a training that was begun on another type of device starts again, and its bits are those of one. The
    folders of the stream's other windows are deleted.
    """
    stream = scratch / plan.stream
    digest = hashlib.sha256(to_json(plan, Plan) + device_type.encode()).hexdigest()[:16]
    for old_folder in stream.glob("*"):
        if old_folder.name.partition("-")[0] != plan.window:
            shutil.rmtree(old_folder, ignore_errors=True)
    folder = stream / f"{plan.window}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
