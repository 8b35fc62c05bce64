"""Drift that a known answer still tells something about."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from growlearn.domain.drift import DriftKind
from growlearn.domain.drift_config import RefineConfig
from growlearn.domain.growth import GrowthPlan
from growlearn.domain.job import HoldoutFraction, Job
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.pipeline import drift_refinement
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


def shift(images: Images) -> Images:
    """Images moved by a pixel: one answer can serve both, but not as well as one for each."""
    return np.roll(images, 1, axis=2)


def test_a_task_is_opened_where_it_answers_the_rows_of_both_regimes_much_better(
    tmp_path: Path, digits: Digits
) -> None:
    world, window = drift(tmp_path, digits, shift, replace(KEEPING, retain="none"))
    assert (window.state, window.task) == (WindowState.PROMOTED, "task-2")
    record = world.store.window_record("digits", window.id)
    assert record.evaluation is not None
    assert record.evaluation.refinement is None
    assert record.model_selection is not None
    assert record.model_selection.dropped_seconds > 0
    assert re.fullmatch(
        r"A known task's answer was corrected first and dropped: "
        r"log loss 0\.\d{4} corrected, 0\.\d{4} with a new task\.",
        record.model_selection.dropped_reason,
    )


def test_the_correction_is_kept_where_a_new_task_answers_hardly_better(
    tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([np.full(100, 0.50), np.full(100, 0.46)])
    monkeypatch.setattr(drift_refinement, "_served_losses", lambda *_: next(losses))
    world, window = drift(tmp_path, digits, shift, replace(KEEPING, retain="none"))
    assert (window.state, window.task) == (WindowState.PROMOTED, "task-1")
    record = world.store.window_record("digits", window.id)
    assert record.evaluation is not None
    assert record.evaluation.refinement is not None
    assert record.evaluation.refinement.opened_loss == pytest.approx(0.46)
    assert record.model_selection is not None
    assert record.model_selection.dropped_reason.startswith("A new task was trained too and dropped: ")


@pytest.mark.parametrize("job", [KEEPING, replace(KEEPING, refine=RefineConfig(when="never"))])
def test_a_window_that_no_answer_tells_anything_about_opens_a_task(
    tmp_path: Path, digits: Digits, job: Job
) -> None:
    world, window = drift(tmp_path, digits, lambda images: 255 - rotate(images), job)
    record = world.store.window_record("digits", window.id)
    assert (window.verdict, window.state, window.task) == (Verdict.DRIFT, WindowState.PROMOTED, "task-2")
    assert isinstance(record.plan, GrowthPlan)
    assert record.plan.refinement is None


def having(digits: Digits, *labels: int) -> Digits:
    """The digits with these labels."""
    images, all_labels = digits
    chosen = [index for index, label in enumerate(all_labels) if label in labels]
    return images[chosen], [all_labels[index] for index in chosen]


def test_a_corrected_answer_learns_the_new_classes_of_its_window(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path, KEEPING)
    world.send("1.parquet", *having((images[:800], labels[:800]), *range(9)))
    window = world.send("2.parquet", images[800:], labels[800:])
    record = world.store.window_record("digits", window.id)
    assert record.report is not None
    assert record.report.kind is DriftKind.NEW_CLASSES
    assert (window.state, window.task) == (WindowState.PROMOTED, "task-1")
    manifests = [version.manifest for version in world.store.versions("digits")]
    assert [len(manifest.task("task-1").classes) for manifest in manifests] == [9, 10]
    assert record.evaluation is not None
    assert record.evaluation.refinement is not None
    assert record.evaluation.refinement.new is not None
    assert record.evaluation.refinement.new.accuracy_after > 0.8


def test_a_window_of_mostly_new_classes_opens_a_task(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, KEEPING)
    world.send("1.parquet", *having(digits, 0, 1, 2, 3))
    window = world.send("2.parquet", *having(digits, 3, 4, 5, 6))
    assert (window.state, window.task) == (WindowState.PROMOTED, "task-2")


def test_too_few_rows_for_a_task_of_their_own_leave_the_correction_to_the_gates(
    tmp_path: Path, digits: Digits
) -> None:
    """Else the window is trained again and again, fails each time, and holds up those behind it."""
    images, labels = digits
    world = World(tmp_path, JOB)
    world.send("1.parquet", *having((images[:500], labels[:500]), *range(9)))
    nines = [index for index in range(500, 1500) if labels[index] == 9][:9]
    others = [index for index in range(500, 1500) if labels[index] != 9][:41]
    few = sorted(nines + others)
    window = world.send("2.parquet", images[few], [labels[index] for index in few])
    record = world.store.window_record("digits", window.id)
    assert isinstance(record.plan, GrowthPlan)
    assert record.plan.refinement is not None
    assert record.plan.refinement.after_drift
    assert record.gates
    assert window.state in (WindowState.PROMOTED, WindowState.REJECTED)


def test_a_class_that_few_of_many_rows_have_is_learned_by_the_correction(
    tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Classes are counted on all rows, of which only some are compared."""
    monkeypatch.setattr(drift_refinement, "_MAX_COMPARED_ROWS", 40)
    images, labels = digits
    world = World(tmp_path, KEEPING)
    world.send("1.parquet", *having((images[:800], labels[:800]), *range(9)))
    window = world.send("2.parquet", images[800:], labels[800:])
    plan = world.store.window_record("digits", window.id).plan
    assert isinstance(plan, GrowthPlan)
    assert plan.refinement is not None
    assert plan.classes == tuple(range(10))
