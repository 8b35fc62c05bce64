"""A challenger on trial beside the champion, on real handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlearn.domain.job import PromoteAfter, RegistrySpec
from growlearn.domain.stream import Alias, AliasMove, Message, MessageKind
from growlearn.domain.window import WindowState
from growlearn.registry.ancestry import find
from growlearn.registry.promotion import promote
from growlearn.serving.predictor import Predictor
from tests.unit.test_cycle import JOB, TASKED, Images, World, digits

__all__ = ["digits"]  # a fixture
Digits = tuple[Images, list[int | None]]
TRIED = RegistrySpec(promote=PromoteAfter(after=2))


def tried(folder: Path, digits: Digits) -> World:
    """Version 1 is the champion, version 2, for inverted images, the challenger."""
    images, labels = digits
    world = World(folder, replace(JOB, registry=TRIED))
    first = world.send("1.parquet", images[:500], labels[:500])
    held = world.send("2.parquet", 255 - images[500:900], labels[500:900])
    assert (first.state, held.state) == (WindowState.PROMOTED, WindowState.HELD)
    return world


def aliases(world: World) -> tuple[int | None, int | None, int | None]:
    stream = world.store.stream("digits")
    return stream.champion, stream.challenger, stream.base


def last_move(world: World) -> AliasMove:
    return world.store.alias_moves("digits")[-1]


def test_one_that_does_as_well_is_promoted_after_its_windows(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = tried(tmp_path, digits)

    world.send("3.parquet", 255 - images[900:1100], labels[900:1100])
    assert aliases(world) == (1, 2, 2)
    world.send("4.parquet", images[1100:1300], labels[1100:1300])

    assert aliases(world) == (2, None, 2)
    move = next(each for each in world.store.alias_moves("digits") if each.after == 2 and each.before == 1)
    assert move.actor == "trial"
    assert " of version 1 on 400 rows of 2 windows as challenger (p = " in move.reason


def test_windows_without_labels_do_not_count(tmp_path: Path, digits: Digits) -> None:
    images, _ = digits
    world = tried(tmp_path, digits)
    for number in range(3, 6):
        world.send(f"{number}.parquet", images[300 * number : 300 * number + 60], [None] * 60)
    assert aliases(world) == (1, 2, 2)


def test_one_that_does_worse_is_declined(tmp_path: Path, digits: Digits) -> None:
    """Labels say what the champion says, in rows where the two differ."""
    world = tried(tmp_path, digits)
    inverted = 255 - digits[0][900:1700]
    champion, challenger = (_answers(world, number, inverted) for number in (1, 2))
    differ = np.flatnonzero(champion != challenger)
    assert len(differ) > 60

    for name, rows in zip(("3.parquet", "4.parquet"), np.array_split(differ, 2), strict=True):
        world.send(name, inverted[rows], [int(each) for each in champion[rows]])

    assert aliases(world) == (1, None, 1)
    assert (last_move(world).actor, last_move(world).alias) == ("trial", Alias.CHALLENGER)


def _answers(world: World, number: int, images: Images) -> npt.NDArray[np.int64]:
    manifest = find(world.store.versions("digits"), number).manifest
    frame = pd.DataFrame({"image": [list(map(int, image.ravel())) for image in images]})
    return Predictor(manifest, world.artifacts.get).predict(frame)["prediction"].to_numpy()


def test_rows_of_a_task_that_the_champion_does_not_know_count_for_the_challenger(
    tmp_path: Path, digits: Digits
) -> None:
    images, labels = digits
    world = World(tmp_path, replace(TASKED, registry=TRIED))
    world.send("1.parquet", images[:500], labels[:500], "a")
    world.send("2.parquet", 255 - images[500:900], labels[500:900], "b")
    assert aliases(world) == (1, 2, 2)
    world.send("3.parquet", 255 - images[900:1000], labels[900:1000], "b")
    world.send("4.parquet", images[1000:1100], labels[1000:1100], "a")
    assert aliases(world) == (2, None, 2)


def test_a_person_may_end_a_trial(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = tried(tmp_path, digits)
    stream, versions = world.store.stream("digits"), world.store.versions("digits")
    moves, base = promote(stream, versions, 2, "ann", "good", world.clock.now())
    world.store.move_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))
    world.send("3.parquet", images[900:1000], labels[900:1000])
    world.send("4.parquet", images[1000:1100], labels[1000:1100])
    assert "trial" not in [move.actor for move in world.store.alias_moves("digits")]


def test_a_window_whose_rows_are_gone_is_passed_over(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = tried(tmp_path, digits)
    gone = world.send("3.parquet", 255 - images[900:1000], labels[900:1000])
    del world.artifacts._contents[str(gone.snapshot)]
    world.send("4.parquet", 255 - images[1000:1100], labels[1000:1100])
    assert aliases(world) == (1, 2, 2)
    world.send("5.parquet", images[1100:1200], labels[1100:1200])
    assert aliases(world) == (2, None, 2)
