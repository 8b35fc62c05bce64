"""What kind of drift there is, whether it is grown for, how known tasks come back: the loop in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growlearn.domain.drift import DriftKind
from growlearn.domain.drift_spec import DriftSpec, PolicySpec
from growlearn.domain.job import Job
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.drift.watch import Carried
from tests.unit.test_cycle import JOB, Images, World, digits

Digits = tuple[Images, list[int | None]]
__all__ = ["digits"]


def drifting(**drift: Any) -> Job:
    return replace(JOB, drift=replace(JOB.drift, **drift))


def send(
    world: World, rows: slice, data: Digits, change: Any = lambda images: images, labels: Any = None
) -> Window:
    images, known = change(data[0][rows]), data[1][rows] if labels is None else labels
    return world.send(f"{rows.start}.parquet", np.ascontiguousarray(images), known)


def turned(images: Images) -> Images:
    return np.asarray(np.rot90(images, axes=(1, 2)))


def inverted(images: Images) -> Images:
    return 255 - images


def kind(world: World, window: Window) -> DriftKind | None:
    report = world.store.record("digits", window.id).report
    assert report is not None
    return report.kind


def reason(world: World, window: Window) -> str:
    report = world.store.record("digits", window.id).report
    assert report is not None
    return report.reason


@pytest.mark.parametrize("decision", ["any", "anytime"])
def test_a_b_a_b_c_a_opens_three_tasks_and_knows_every_return(
    tmp_path: Path, digits: Digits, decision: str
) -> None:
    world = World(tmp_path, drifting(decision=decision))
    plain = lambda images: images  # noqa: E731
    regimes = (plain, turned, plain, turned, inverted, plain)
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


@pytest.mark.parametrize("decision", ["any", "anytime"])
def test_labels_that_mean_something_else_are_drift_of_the_relation(
    tmp_path: Path, digits: Digits, decision: str
) -> None:
    world = World(tmp_path, drifting(decision=decision))
    send(world, slice(0, 450), digits)
    permuted = [None if label is None else (label + 3) % 10 for label in digits[1][450:900]]
    moved = send(world, slice(450, 900), digits, labels=permuted)
    assert (moved.verdict, moved.state) == (Verdict.DRIFT, WindowState.REJECTED)
    assert kind(world, moved) is DriftKind.RELATION
    assert "its labels are others" in reason(world, moved)
    assert "gates failed: routing: " in str(moved.reason)  # no row could say which labels it wants
    back = send(world, slice(900, 1200), digits)
    assert (back.verdict, back.task) == (Verdict.STABLE, "task-1")


def test_another_mix_of_the_same_labels_grows_nothing(world: World, digits: Digits) -> None:
    send(world, slice(0, 900), digits)
    images, labels = digits
    few = [at for at in range(900, 1797) if labels[at] in (0, 1, 2, 3) or at % 6 == 0]
    window = world.send("2.parquet", images[few], [labels[at] for at in few])
    assert (window.verdict, window.state) == (Verdict.WARN, WindowState.SETTLED)
    assert kind(world, window) is DriftKind.LABEL_MIX


def test_broken_images_grow_nothing_and_are_told(world: World, digits: Digits) -> None:
    send(world, slice(0, 450), digits)
    shades = np.arange(250, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2)
    dark = send(world, slice(450, 700), digits, lambda _: shades)
    assert (dark.verdict, dark.state) == (Verdict.CANNOT_JUDGE, WindowState.SETTLED)
    assert kind(world, dark) is DriftKind.BROKEN
    assert "hold one value throughout" in str(dark.reason)


def test_evidence_goes_on_from_window_to_window(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, drifting(decision="anytime"))
    send(world, slice(0, 600), digits)
    seen = []
    for start in (600, 800, 1000):
        window = send(world, slice(start, start + 200), digits)
        assert window.verdict in (Verdict.STABLE, Verdict.WARN)
        report = world.store.record("digits", window.id).report
        assert report is not None
        assert report.evidence is not None
        carried = Carried.from_json(report.evidence)
        assert carried.scores is not None
        seen.append(carried.scores.windows)
    assert seen == [1, 2, 3]


def test_drift_is_grown_for_once_it_is_confirmed(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, replace(JOB, policy=PolicySpec(confirm=2)))
    send(world, slice(0, 450), digits)
    once = send(world, slice(450, 800), digits, turned)
    assert (once.verdict, once.state) == (Verdict.DRIFT, WindowState.SETTLED)
    assert "not grown: drift in 1 of 2 windows" in str(once.reason)
    again = send(world, slice(800, 1200), digits, turned)
    assert (again.verdict, again.state) == (Verdict.DRIFT, WindowState.PROMOTED)


def test_a_training_starts_the_cool_down(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, replace(JOB, policy=PolicySpec(cool_down=2)))
    send(world, slice(0, 450), digits)
    soon = send(world, slice(450, 800), digits, turned)
    assert soon.state is WindowState.SETTLED
    assert "cooling down: 0 of 2" in str(soon.reason)


def test_what_is_only_told_is_never_grown_for(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, drifting(action="tell"))
    assert send(world, slice(0, 450), digits).state is WindowState.PROMOTED
    told = send(world, slice(450, 800), digits, turned)
    assert (told.verdict, told.state) == (Verdict.DRIFT, WindowState.SETTLED)
    assert "only told (drift.action)" in str(told.reason)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_rate_of_false_growths_needs_the_decision_that_keeps_one() -> None:
    with pytest.raises(ValueError, match="false_growths needs decision anytime"):
        DriftSpec(false_growths={"at_most": 1})  # type: ignore[arg-type]


def test_weak_drift_shows_in_the_rows_of_several_windows(tmp_path: Path, digits: Digits) -> None:
    verdicts = {}
    for window in ("latest", "sliding"):
        world = World(tmp_path / window, drifting(window=window, alpha=0.001))
        send(world, slice(0, 700), digits)
        dimmed = [
            send(world, slice(start, start + 100), digits, lambda images: (images * 0.55).astype(np.uint8))
            for start in range(700, 1300, 100)
        ]
        verdicts[window] = [each.verdict for each in dimmed].count(Verdict.DRIFT)
    assert verdicts["sliding"] >= verdicts["latest"]
    assert verdicts["sliding"] > 0
