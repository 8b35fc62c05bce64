"""Labels that change their meaning permanently, in the loop, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from growlearn.domain.drift_config import RetrainingPolicyConfig
from growlearn.domain.job import GateConfig, HoldoutFraction, Job
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Message, MessageKind
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.ingest.rows import from_parquet
from growlearn.network.model.network import load_network
from growlearn.registry.decision_report import explain_window
from growlearn.registry.promotion import rollback_version
from growlearn.serving.predictor import Predictor
from tests.unit.digits import Digits
from tests.unit.in_memory import JOB, NO_BASELINES, World

CLASSES = 4
FIRST, STEP = 120, 120


@pytest.fixture(scope="module")
def digits(digits: Digits) -> Digits:
    """Zeros to threes alone: they are learned so well that no decision here is close."""
    images, labels = digits
    rows = [row for row, label in enumerate(labels) if label is not None and label < CLASSES]
    return images[rows], [labels[row] for row in rows]


def job(after: int | None) -> Job:
    """A replacement may lose, and must gain, 20 points of accuracy."""
    return replace(
        JOB,
        growth=replace(JOB.growth, epochs=12, batch_size=16),
        holdout=HoldoutFraction(fraction=0.3),
        gates=GateConfig(
            min_gain=-1.0, max_negative_flip_rate=1.0, max_routed_accuracy_drop=0.2, replace_task_after=after
        ),
        baseline_comparison=NO_BASELINES,
    )


def start(folder: Path, data: Digits, after: int | None) -> World:
    """A first window, with each digit's own label."""
    world = World(folder, job(after))
    send_first(world, data)
    return world


def send_first(world: World, data: Digits) -> None:
    world.send("0.parquet", data[0][:FIRST], data[1][:FIRST])


def send(world: World, data: Digits, number: int, turn: int, name: str | None = None) -> Window:
    """Window `number` (1 to 5) after the first; each label is that of the digit `turn` places on."""
    rows = slice(FIRST + (number - 1) * STEP, FIRST + number * STEP)
    permuted: list[int | None] = [(int(label or 0) + turn) % CLASSES for label in data[1][rows]]
    return world.send(name or f"{number}.parquet", data[0][rows], permuted)


def champion(world: World) -> Version:
    return world.store.versions("digits")[(world.store.stream("digits").champion or 0) - 1]


def accuracy(world: World, window: Window) -> float:
    """The champion's accuracy on a window's rows, with the rows routed."""
    assert window.snapshot is not None
    rows = from_parquet(world.artifacts.get(window.snapshot), JOB.schema)
    return float(Predictor(champion(world).manifest, world.artifacts.get).is_correct(rows).mean())


def test_the_third_confirming_window_in_a_row_replaces_the_task(tmp_path: Path, digits: Digits) -> None:
    world = start(tmp_path, digits, 3)
    before = champion(world)

    rejected = [send(world, digits, number, 1) for number in (1, 2)]
    last = send(world, digits, 3, 1)

    assert [window.state for window in (*rejected, last)] == [
        WindowState.REJECTED, WindowState.REJECTED, WindowState.PROMOTED,
    ]  # fmt: skip
    now = champion(world)
    assert (now.manifest.replaced_tasks, now.manifest.routable_tasks) == (("task-1",), ("task-2",))
    assert accuracy(world, rejected[0]) > 0.6  # about 0 before

    evaluation = world.store.window_record("digits", last.id).evaluation
    assert evaluation is not None
    assert evaluation.replacement is not None
    assert evaluation.replacement.windows == ("w3", "w2")
    assert "'task-2' replaces 'task-1'" in str(last.reason)
    report = [line for section in explain_window(world.store, "digits", "w4") for line in section.lines]
    assert any("are no longer routed to 'task-1'" in line for line in report)

    old, new = (load_network(version.manifest, world.artifacts.get) for version in (before, now))
    rows = from_parquet(world.artifacts.get(str(last.snapshot)), JOB.schema)
    assert np.array_equal(old.logits(rows, "task-1"), new.logits(rows, "task-1"))


def test_later_windows_are_compared_with_the_new_task(tmp_path: Path, digits: Digits) -> None:
    world = start(tmp_path, digits, 2)
    send(world, digits, 1, 1)
    assert send(world, digits, 2, 1).state is WindowState.PROMOTED

    same = send(world, digits, 3, 1)
    assert (same.verdict, same.task) == (Verdict.STABLE, "task-2")
    back = send(world, digits, 4, 0)
    assert (back.verdict, back.state) == (Verdict.DRIFT, WindowState.REJECTED)
    again = send(world, digits, 5, 0)
    assert again.state is WindowState.PROMOTED
    assert champion(world).manifest.routable_tasks == ("task-3",)
    assert accuracy(world, back) > 0.6


@pytest.mark.parametrize(
    ("turns", "after"),
    [((1, 2, 1), 3), ((1, 0, 1), 2), ((1, 1, 1), None)],
    ids=["they contradict each other", "one between is stable", "not configured"],
)
def test_other_windows_are_rejected(
    tmp_path: Path, digits: Digits, turns: tuple[int, ...], after: int | None
) -> None:
    world = start(tmp_path, digits, after)
    windows = [send(world, digits, number, turn) for number, turn in enumerate(turns, 1)]
    assert [window.state for window in windows if window.verdict is Verdict.DRIFT] == [
        WindowState.REJECTED for turn in turns if turn
    ]
    assert world.store.stream("digits").champion == 1


def test_a_rollback_restores_the_replaced_task(tmp_path: Path, digits: Digits) -> None:
    world = start(tmp_path, digits, 2)
    send(world, digits, 1, 1)
    send(world, digits, 2, 1)
    stream, versions = world.store.stream("digits"), world.store.versions("digits")
    moves, base = rollback_version(stream, versions, 1, "ann", "a mistake", world.clock.now())
    world.store.change_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))

    stable = send(world, digits, 3, 0)
    assert (stable.verdict, stable.task) == (Verdict.KNOWN_TASK, "task-1")
    assert accuracy(world, stable) > 0.6


def test_the_same_file_again_does_not_count(tmp_path: Path, digits: Digits) -> None:
    world = start(tmp_path, digits, 2)
    once = send(world, digits, 1, 1)
    again = send(world, digits, 1, 1, "again.parquet")
    assert (once.state, again.state, again.snapshot) == (
        WindowState.REJECTED, WindowState.REJECTED, once.snapshot,
    )  # fmt: skip
    assert send(world, digits, 2, 1).state is WindowState.PROMOTED


def test_skipped_confirming_windows_count(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path, replace(job(2), retraining_policy=RetrainingPolicyConfig(confirm_windows=2)))
    send_first(world, digits)
    assert send(world, digits, 1, 1).state is WindowState.SKIPPED
    assert send(world, digits, 2, 1).state is WindowState.PROMOTED


def test_a_window_without_its_rows_ends_the_sequence_and_raises_nothing(
    tmp_path: Path, digits: Digits
) -> None:
    world = start(tmp_path, digits, 2)
    del world.artifacts._contents[str(send(world, digits, 1, 1).snapshot)]
    assert send(world, digits, 2, 1).state is WindowState.REJECTED
    assert send(world, digits, 3, 1).state is WindowState.PROMOTED
