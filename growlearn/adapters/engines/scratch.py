"""Scratch folders: one a claim and plan, deleted once the stream is at a later claim or window."""

from __future__ import annotations

import hashlib
import math
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from growlearn.domain.consolidation import ConsolidationPlan
from growlearn.domain.device import CPU
from growlearn.domain.growth import GrowthPlan
from growlearn.registry.json_codec import to_json

Plan: TypeAlias = GrowthPlan | ConsolidationPlan


CHECKPOINT_NAME = "checkpoint.safetensors"


@dataclass(frozen=True)
class ScratchUser:
    """Who uses a scratch folder: the window's claim of that number, since a time (`time.time`, s)."""

    claim: int = 0
    since_s: float = math.inf


NO_CLAIM = ScratchUser()


def prepare_plan_folder(
    scratch: Path, plan: Plan, device_type: str = CPU, user: ScratchUser = NO_CLAIM
) -> Path:
    """The folder of one claim and plan, named by window, claim, content and type of device.

    A training that was begun on another type of device starts again, and its bits are those of one. The last
    checkpoint of an earlier claim is taken along. Then the folders of earlier claims are deleted, so that a
    training of a worker thought dead fails at its next write, and those of the stream's other windows, unless
    they were written to since `user.since_s`: it may be this process that is thought dead by now.
    """
    stream = scratch / plan.stream
    digest = hashlib.sha256(to_json(plan, Plan) + device_type.encode()).hexdigest()[:16]
    folder = stream / f"{plan.window}-{user.claim}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    for other in sorted(stream.glob("*"), key=_get_claim, reverse=True):
        window, _, rest = other.name.partition("-")
        if window == plan.window and _get_claim(other) >= user.claim:
            continue
        if window == plan.window and rest.endswith(f"-{digest}"):
            _take_checkpoint(other, folder)
        if window == plan.window or _is_older(other, user.since_s):
            shutil.rmtree(other, ignore_errors=True)
    return folder


def _get_claim(folder: Path) -> int:
    number = folder.name.split("-")[1:2]
    return int(number[0]) if number and number[0].isdecimal() else -1


def _take_checkpoint(source: Path, target: Path) -> None:
    """Copy the checkpoint, which is replaced whole, unless there is a newer one."""
    if (target / CHECKPOINT_NAME).exists():
        return
    part = target / f"{CHECKPOINT_NAME}.copy"
    with suppress(FileNotFoundError):  # that training had written none yet
        shutil.copyfile(source / CHECKPOINT_NAME, part)
        part.replace(target / CHECKPOINT_NAME)


def _is_older(folder: Path, since_s: float) -> bool:
    with suppress(FileNotFoundError):
        return folder.stat().st_mtime < since_s
    return False
