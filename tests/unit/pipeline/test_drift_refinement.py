"""Drift that a known answer still tells something about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from growlearn.domain.drift_config import RefineConfig
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.job import HoldoutFraction, Job
from growlearn.domain.window import Verdict, Window, WindowState
from tests.unit.digits import Digits, Images, rotate
from tests.unit.in_memory import JOB, World

KEEPING = replace(JOB, holdout=HoldoutFraction(fraction=0.3), retain="all")
"""Rows are kept, so that a correction learns from both regimes."""


def dimmed(images: Images) -> Images:
    """Images with half of their brightness and noise: known answers are often right, and less sure."""
    noise = np.random.default_rng(0).integers(0, 120, images.shape)
    changed: Images = np.clip(images * 0.5 + noise, 0, 255).astype(np.uint8)
    return changed


def drift(folder: Path, digits: Digits, change: object, job: Job = KEEPING) -> tuple[World, Window]:
    images, labels = digits
    world = World(folder, job)
    world.send("1.parquet", images[:700], labels[:700])
    return world, world.send("2.parquet", change(images[700:1700]), labels[700:1700])  # type: ignore[operator]


def test_a_known_answer_that_still_tells_something_is_corrected(tmp_path: Path, digits: Digits) -> None:
    world, window = drift(tmp_path, digits, dimmed)
    record = world.store.window_record("digits", window.id)
    assert (window.verdict, window.state, window.task) == (Verdict.DRIFT, WindowState.PROMOTED, "task-1")
    assert isinstance(record.plan, GrowthPlan)
    assert record.plan.refinement is not None
    assert record.plan.refinement.reason.startswith("drift of which task 'task-1' still tells ")
    assert world.store.versions("digits")[-1].tasks == ("task-1",)
    again = world.send("3.parquet", dimmed(digits[0][1700:]), digits[1][1700:])
    assert again.task == "task-1"


@pytest.mark.parametrize("job", [KEEPING, replace(KEEPING, refine=RefineConfig(when="never"))])
def test_a_window_that_no_answer_tells_anything_about_opens_a_task(
    tmp_path: Path, digits: Digits, job: Job
) -> None:
    world, window = drift(tmp_path, digits, lambda images: 255 - rotate(images), job)
    record = world.store.window_record("digits", window.id)
    assert (window.verdict, window.state, window.task) == (Verdict.DRIFT, WindowState.PROMOTED, "task-2")
    assert isinstance(record.plan, GrowthPlan)
    assert record.plan.refinement is None
