"""The verdict on a window and the kind of drift, in the loop, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growlearn.domain.drift import DriftKind, DriftReport
from growlearn.domain.job import Job
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.ingest.rows import from_parquet
from tests.unit.digits import Digits, Images, invert, rotate
from tests.unit.in_memory import JOB, NO_BASELINES, TASKED, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def drifting(**drift: Any) -> Job:
    return replace(JOB, drift=replace(JOB.drift, **drift), baseline_comparison=NO_BASELINES)


def unchanged(images: Images) -> Images:
    return images


def send(world: World, rows: slice, data: Digits, change: Any = unchanged, labels: Any = None) -> Window:
    known = data[1][rows] if labels is None else labels
    return world.send(f"{rows.start}.parquet", change(data[0][rows]), known)


def report_of(world: World, window: Window) -> DriftReport:
    report = world.store.window_record("digits", window.id).report
    assert report is not None
    return report


@pytest.mark.parametrize("decision_rule", ["any", "sequential"])
def test_a_b_a_b_c_a_makes_three_tasks_and_detects_every_recurrence(
    tmp_path: Path, digits: Digits, decision_rule: str
) -> None:
    world = World(tmp_path, drifting(decision_rule=decision_rule))
    regimes = (unchanged, rotate, unchanged, rotate, invert, unchanged)
    starts = (0, 400, 800, 950, 1100, 1500)
    ends = (400, 800, 950, 1100, 1500, 1650)
    windows = [
        send(world, slice(start, end), digits, change)
        for start, end, change in zip(starts, ends, regimes, strict=True)
    ]
    assert [window.task for window in windows] == ["task-1", "task-2", "task-1", "task-2", "task-3", "task-1"]
    assert [window.verdict for window in windows[2:4]] == [Verdict.KNOWN_TASK] * 2
    assert windows[5].verdict is Verdict.KNOWN_TASK
    assert len(world.store.tasks("digits")) == 3


@pytest.mark.parametrize("decision_rule", ["any", "sequential"])
def test_permuted_labels_are_concept_drift(tmp_path: Path, digits: Digits, decision_rule: str) -> None:
    world = World(tmp_path, drifting(decision_rule=decision_rule))
    send(world, slice(0, 400), digits)
    permuted = [None if label is None else (label + 3) % 10 for label in digits[1][400:800]]
    moved = send(world, slice(400, 800), digits, labels=permuted)
    assert (moved.verdict, moved.state) == (Verdict.DRIFT, WindowState.REJECTED)
    assert report_of(world, moved).kind is DriftKind.CONCEPT_DRIFT
    assert "its labels are others" in report_of(world, moved).reason
    assert "gates failed: routed_accuracy: " in str(moved.reason)  # the router cannot separate equal inputs
    back = send(world, slice(800, 1100), digits)
    assert (back.verdict, back.task) == (Verdict.STABLE, "task-1")


def test_label_shift_trains_nothing(world: World, digits: Digits) -> None:
    send(world, slice(0, 900), digits)
    images, labels = digits
    few = [row for row in range(900, 1797) if labels[row] in (0, 1, 2, 3) or row % 30 == 0]
    window = world.send("2.parquet", images[few], [labels[row] for row in few])
    assert (window.verdict, window.state) == (Verdict.WARN, WindowState.SKIPPED)
    assert report_of(world, window).kind is DriftKind.LABEL_SHIFT


def test_broken_images_train_nothing_and_are_reported(world: World, digits: Digits) -> None:
    send(world, slice(0, 400), digits)
    shades = np.arange(250, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2)
    dark = send(world, slice(450, 700), digits, lambda _: shades)
    assert (dark.verdict, dark.state) == (Verdict.INCONCLUSIVE, WindowState.SKIPPED)
    assert report_of(world, dark).kind is DriftKind.DATA_QUALITY
    assert "hold one value throughout" in str(dark.reason)


def test_the_monitor_state_continues_from_window_to_window(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, drifting(decision_rule="sequential"))
    send(world, slice(0, 400), digits)
    num_windows = []
    for start in (400, 600, 800):
        window = send(world, slice(start, start + 200), digits)
        assert window.verdict in (Verdict.STABLE, Verdict.WARN)
        state = report_of(world, window).monitor_state
        assert state is not None
        assert state.scores is not None
        num_windows.append(state.scores.num_windows)
    assert num_windows == [1, 2, 3]


def test_a_window_of_a_known_task_says_how_right_the_model_was(tmp_path: Path, digits: Digits) -> None:
    """By its task column, where nothing is compared, as where the detectors find that it is stable."""
    images, labels = digits
    tasked = World(tmp_path / "tasked", replace(drifting(), schema=TASKED.schema))
    tasked.send("1.parquet", images[:400], labels[:400], task="plain")
    named = tasked.send("2.parquet", images[400:700], [*labels[400:600], *[None] * 100], task="plain")
    plain = World(tmp_path / "plain", drifting())
    plain.send("1.parquet", images[:400], labels[:400])
    found = plain.send("2.parquet", images[400:700], [*labels[400:600], *[None] * 100])
    silent = plain.send("3.parquet", images[700:900], [None] * 200)

    assert [named.verdict, found.verdict] == [Verdict.KNOWN_TASK, Verdict.STABLE]
    for world, window in ((tasked, named), (plain, found)):
        report, manifest = report_of(world, window), world.store.versions("digits")[-1].manifest
        (task,) = manifest.tasks
        rows = from_parquet(world.artifacts.get(str(window.snapshot)), manifest.schema)
        outputs = world.ports.models.network(manifest).probabilities(rows, task.name)
        answers = [task.classes[index] for index in outputs.argmax(1)]
        right = [
            answer == label for answer, label in zip(answers, rows.labels, strict=True) if label is not None
        ]
        assert (report.correct, report.labelled_rows) == (sum(right), 200)
        assert sum(right) > 100
    assert report_of(plain, silent).labelled_rows is None
    assert report_of(plain, plain.store.window("digits", "w1")).labelled_rows is None


def test_a_label_with_too_few_rows_makes_no_task(world: World, digits: Digits) -> None:
    images, labels = digits
    world.send("1.parquet", images[:400], labels[:400])
    odd = world.send("2.parquet", images[400:700], [99, *labels[401:700]])
    assert (odd.verdict, odd.state) == (Verdict.STABLE, WindowState.SKIPPED)
    assert "; too few rows to speak for a class: 99" in (odd.reason or "")


def test_labels_that_no_class_has_enough_rows_of_say_nothing(world: World, digits: Digits) -> None:
    """Three right labels and a slip of the pen are no new class."""
    images, labels = digits
    known = [index for index, label in enumerate(labels) if label != 9]
    world.send("1.parquet", images[known[:400]], [labels[index] for index in known[:400]])
    rest = known[400:700]
    few = [labels[index] if number < 3 else 9 if number == 3 else None for number, index in enumerate(rest)]
    window = world.send("2.parquet", images[rest], few)
    assert window.verdict is Verdict.STABLE, window.reason
    assert "too few rows to speak for a class" in str(window.reason)
