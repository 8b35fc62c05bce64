"""Labels that come to mean something else for good, in the loop, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from growlearn.domain.drift_spec import PolicySpec
from growlearn.domain.job import Job
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Message, MessageKind
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.growth.model.network import load_network
from growlearn.ingest.rows import from_parquet
from growlearn.registry.promotion import rollback
from growlearn.registry.story import story_of_window
from growlearn.serving.predictor import Predictor
from tests.unit.test_cycle import JOB, Images, World, digits

__all__ = ["digits"]  # a fixture
Digits = tuple[Images, list[int | None]]
FIRST, STEP = 500, 250


def job(after: int | None) -> Job:
    return replace(JOB, holdout=0.3, gates=replace(JOB.gates, supersede_after=after))


def begun(folder: Path, data: Digits, after: int | None) -> World:
    """A first window, with each digit's own label."""
    world = World(folder, job(after))
    world.send("0.parquet", data[0][:FIRST], data[1][:FIRST])
    return world


def send(world: World, data: Digits, number: int, turn: int, name: str | None = None) -> Window:
    """The number-th window after the first, 1 to 5; each label is that of the turn-th next digit."""
    rows = slice(FIRST + (number - 1) * STEP, FIRST + number * STEP)
    told: list[int | None] = [(int(label or 0) + turn) % 10 for label in data[1][rows]]
    return world.send(name or f"{number}.parquet", data[0][rows], told)


def champion(world: World) -> Version:
    return world.store.versions("digits")[(world.store.stream("digits").champion or 0) - 1]


def answered(world: World, window: Window) -> float:
    """Share of a window's rows that the champion answers as that window says, not told their task."""
    assert window.snapshot is not None
    rows = from_parquet(world.artifacts.get(window.snapshot), JOB.schema)
    return float(Predictor(champion(world).manifest, world.artifacts.get).right(rows).mean())


def test_the_third_window_in_a_row_that_says_so_is_believed(tmp_path: Path, digits: Digits) -> None:
    world = begun(tmp_path, digits, 3)
    before = champion(world)

    refused = [send(world, digits, number, 1) for number in (1, 2)]
    believed = send(world, digits, 3, 1)

    assert [window.state for window in (*refused, believed)] == [
        WindowState.REJECTED, WindowState.REJECTED, WindowState.PROMOTED,
    ]  # fmt: skip
    now = champion(world)
    assert (now.manifest.superseded, now.manifest.active) == (("task-1",), ("task-2",))
    assert answered(world, refused[0]) > 0.6  # a tenth before

    evaluation = world.store.record("digits", believed.id).evaluation
    assert evaluation is not None
    assert evaluation.succession is not None
    assert evaluation.succession.windows == ("w3", "w2")
    assert "'task-2' takes the place of 'task-1'" in str(believed.reason)
    told = [line for chapter in story_of_window(world.store, "digits", "w4") for line in chapter.lines]
    assert any("are not sent to 'task-1' any more" in line for line in told)

    old, new = (load_network(each.manifest, world.artifacts.get) for each in (before, now))
    rows = from_parquet(world.artifacts.get(str(believed.snapshot)), JOB.schema)
    assert np.array_equal(old.logits(rows, "task-1"), new.logits(rows, "task-1"))


def test_what_follows_is_held_against_the_new_meaning(tmp_path: Path, digits: Digits) -> None:
    world = begun(tmp_path, digits, 2)
    send(world, digits, 1, 1)
    assert send(world, digits, 2, 1).state is WindowState.PROMOTED

    same = send(world, digits, 3, 1)
    assert (same.verdict, same.task) == (Verdict.STABLE, "task-2")
    back = send(world, digits, 4, 0)
    assert (back.verdict, back.state) == (Verdict.DRIFT, WindowState.REJECTED)
    again = send(world, digits, 5, 0)
    assert again.state is WindowState.PROMOTED
    assert champion(world).manifest.active == ("task-3",)
    assert answered(world, back) > 0.6


@pytest.mark.parametrize(
    ("turns", "after"),
    [((1, 2, 1), 3), ((1, 0, 1), 2), ((1, 1, 1), None)],
    ids=["they contradict each other", "one between was as ever", "never asked for"],
)
def test_others_are_refused(
    tmp_path: Path, digits: Digits, turns: tuple[int, ...], after: int | None
) -> None:
    world = begun(tmp_path, digits, after)
    windows = [send(world, digits, number, turn) for number, turn in enumerate(turns, 1)]
    assert [window.state for window in windows if window.verdict is Verdict.DRIFT] == [
        WindowState.REJECTED for turn in turns if turn
    ]
    assert world.store.stream("digits").champion == 1


def test_a_rollback_brings_the_old_meaning_back(tmp_path: Path, digits: Digits) -> None:
    world = begun(tmp_path, digits, 2)
    send(world, digits, 1, 1)
    send(world, digits, 2, 1)
    stream, versions = world.store.stream("digits"), world.store.versions("digits")
    moves, base = rollback(stream, versions, 1, "ann", "a mistake", world.clock.now())
    world.store.move_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))

    as_ever = send(world, digits, 3, 0)
    assert (as_ever.verdict, as_ever.task) == (Verdict.KNOWN_TASK, "task-1")
    assert answered(world, as_ever) > 0.6


def test_the_same_file_sent_again_says_nothing_new(tmp_path: Path, digits: Digits) -> None:
    world = begun(tmp_path, digits, 2)
    once = send(world, digits, 1, 1)
    again = send(world, digits, 1, 1, "again.parquet")
    assert (once.state, again.state, again.snapshot) == (
        WindowState.REJECTED, WindowState.REJECTED, once.snapshot,
    )  # fmt: skip
    assert send(world, digits, 2, 1).state is WindowState.PROMOTED


def test_windows_that_were_only_confirmed_count(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, replace(job(2), policy=PolicySpec(confirm=2)))
    world.send("0.parquet", digits[0][:FIRST], digits[1][:FIRST])
    assert send(world, digits, 1, 1).state is WindowState.SETTLED
    assert send(world, digits, 2, 1).state is WindowState.PROMOTED


def test_one_whose_rows_are_gone_ends_the_row_and_stops_nothing(tmp_path: Path, digits: Digits) -> None:
    world = begun(tmp_path, digits, 2)
    del world.artifacts._contents[str(send(world, digits, 1, 1).snapshot)]
    assert send(world, digits, 2, 1).state is WindowState.REJECTED
    assert send(world, digits, 3, 1).state is WindowState.PROMOTED
