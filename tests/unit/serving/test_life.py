"""Which version each window of a life is answered by, and what that comes to, on real handwritten digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.ledger import Entry
from growlearn.domain.schema import Input, InputType
from growlearn.domain.stream import Message, MessageKind
from growlearn.domain.window import WindowState
from growlearn.growth.model.network import load_network
from growlearn.ingest.rows import from_parquet
from growlearn.registry.promotion import rollback
from growlearn.serving.life import GONE, NO_CHAMPION, NO_LABELS, OTHER_COLUMNS, Life, life_of
from tests.unit import test_late_labels
from tests.unit.test_cycle import TASKED, Images, World, digits, parquet

Digits = tuple[Images, list[int | None]]
__all__ = ["digits"]


def life(world: Any) -> Life:
    return life_of(world.store, world.artifacts, "digits", lambda _: None)


def story(data: Digits) -> dict[str, bytes]:
    """Upright digits, the same again, turned ones, and turned ones again."""
    images, labels = data
    turned = np.ascontiguousarray(np.rot90(images, axes=(1, 2)))
    parts = ((images, 0, 450), (images, 450, 600), (turned, 600, 1050), (turned, 1050, 1200))
    return {
        f"{a}.parquet": parquet(pixels[a:b], labels[a:b])
        for pixels, a, b in sorted(parts, key=lambda p: p[1])
    }


def live(world: World, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        world.source.put(f"{len(world.source.files())}-{name}", content)
        world.clock.advance(60)
        world.run()


def roll_back(world: World) -> None:
    stream, at = world.store.stream("digits"), world.clock.now()
    moves, base = rollback(stream, world.store.versions("digits"), None, "me", "worse", at)
    world.store.move_aliases("digits", moves, base, Message(stream="digits", kind=MessageKind.ALIASES))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> World:
    """Two versions: the second was grown from w3."""
    world = World(tmp_path_factory.mktemp("lived"))
    live(world, story(digits))
    assert world.store.window("digits", "w3").state is WindowState.PROMOTED
    return world


def test_every_window_is_answered_by_the_version_that_was_champion_before_it(lived: World) -> None:
    found = life(lived)
    assert [(each.window.id, each.version) for each in found.windows] == [("w2", 1), ("w3", 1), ("w4", 2)]
    assert found.left_out == {"w1": NO_CHAMPION}
    stable, drifted, learned = (each.accuracy for each in found.windows)
    assert min(stable, learned) > drifted


def test_right_answers_are_those_of_the_version_s_own_network(lived: World) -> None:
    """Counted anew; version 1 has one task, so that nothing is routed."""
    version = lived.store.versions("digits")[0]
    network = load_network(version.manifest, lived.artifacts.get)
    for each in life(lived).windows[:2]:
        rows = from_parquet(lived.artifacts.get(str(each.window.snapshot)), version.manifest.schema)
        answers = network.logits(rows, "task-1").argmax(axis=1)
        classes = version.manifest.task("task-1").classes
        right = sum(classes[answer] == label for answer, label in zip(answers, rows.labels, strict=True))
        assert (each.correct, each.rows, each.unanswered) == (right, len(rows), 0)


def test_the_score_weighs_rows_alike_and_its_mean_weighs_windows_alike(lived: World) -> None:
    found = life(lived)
    assert [each.rows for each in found.windows] == [150, 450, 150]
    assert found.accuracy is not None
    assert found.accuracy == pytest.approx(sum(each.correct for each in found.windows) / 750)
    assert found.mean_accuracy == pytest.approx(sum(each.correct / each.rows for each in found.windows) / 3)
    assert found.interval is not None
    assert found.interval.low < found.accuracy < found.interval.high


def test_a_backlog_taken_in_at_once_is_lived_like_files_that_came_one_by_one(
    lived: World, tmp_path: Path, digits: Digits
) -> None:
    world = World(tmp_path)
    for at, (name, content) in enumerate(story(digits).items()):
        world.source.put(f"{at}-{name}", content)
    world.run()
    at_once, one_by_one = (
        [(each.window.id, each.version, each.correct) for each in life(one).windows] for one in (world, lived)
    )
    assert at_once == one_by_one


def test_after_a_rollback_the_version_gone_back_to_answers(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path)
    live(world, story(digits))
    roll_back(world)
    images, labels = digits
    world.send("later.parquet", images[1200:1300], labels[1200:1300])
    assert [each.version for each in life(world).windows] == [1, 1, 2, 1]


class BeforeTheLedger(MemoryStore):
    """A record that was migrated: of its first decisions the ledger knows nothing."""

    known_from = 10**9

    def ledger(self, stream: str) -> Sequence[Entry]:
        return super().ledger(stream)[self.known_from :]


@pytest.mark.parametrize("known_from", [0, 5, 9, 12, 10**9])
def test_windows_judged_before_there_was_a_ledger_are_told_by_the_times_of_the_moves(
    lived: World, monkeypatch: pytest.MonkeyPatch, known_from: int
) -> None:
    monkeypatch.setattr(lived.store, "__class__", BeforeTheLedger)
    monkeypatch.setattr(BeforeTheLedger, "known_from", known_from)
    found = life(lived)
    assert [(each.window.id, each.version) for each in found.windows] == [("w2", 1), ("w3", 1), ("w4", 2)]


def test_rows_of_a_task_that_the_champion_does_not_know_are_not_right(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path, TASKED)
    for task, wanted in (("low", range(5)), ("high", range(5, 10))):
        few = [i for i, label in enumerate(labels) if label in wanted][:300]
        world.send(f"{task}.parquet", images[few], [labels[i] for i in few], task)
    (new,) = life(world).windows
    assert (new.version, new.rows, new.unanswered, new.correct) == (1, 300, 300, 0)


def test_windows_that_cannot_count_are_left_out_with_the_reason(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path)
    world.send("1.parquet", images[:450], labels[:450])
    nothing: list[int | None] = [None] * 100
    world.send("2.parquet", images[450:550], nothing)
    world.send("3.parquet", images[550:650], nothing[:50] + labels[600:650])
    found = life(world)
    assert found.left_out == {"w1": NO_CHAMPION, "w2": NO_LABELS}
    assert [(each.window.id, each.rows) for each in found.windows] == [("w3", 50)]


def test_rows_stored_under_other_columns_are_left_out(lived: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = lived.store.versions("digits")
    schema = replace(first.manifest.schema, inputs={"photo": Input(type=InputType.IMAGE, shape=(1, 8, 8))})
    renamed = replace(first, manifest=replace(first.manifest, schema=schema))
    monkeypatch.setattr(lived.store, "versions", lambda _: (renamed, *others))
    assert life(lived).left_out == {"w1": NO_CHAMPION, "w2": OTHER_COLUMNS, "w3": OTHER_COLUMNS}


def test_a_window_that_waited_for_labels_counts_with_the_champion_it_came_to(tmp_path: Path) -> None:
    world = test_late_labels.World(tmp_path)
    world.learn_first()
    world.rows(test_late_labels.DRIFTED)
    world.run()
    waiting = world.store.window("digits", "w2")
    assert (waiting.state, life(world).left_out["w2"]) == (WindowState.WAITING, NO_LABELS)
    world.tell(test_late_labels.DRIFTED)
    world.run()
    assert world.store.stream("digits").champion == 2
    (late,) = life(world).windows
    assert (late.window.id, late.version, late.rows) == ("w2", 1, 300)


def test_a_stream_without_a_judged_window_has_no_score(tmp_path: Path) -> None:
    found = life(World(tmp_path))
    assert (found.windows, found.left_out) == ((), {})
    assert (found.accuracy, found.interval, found.mean_accuracy, found.rows) == (None, None, None, 0)


def test_every_window_is_told_of(lived: World) -> None:
    seen: list[tuple[int, int, str]] = []
    life_of(
        lived.store, lived.artifacts, "digits", lambda told: seen.append((told.done, told.total, told.note))
    )
    assert seen == [(0, 4, "w1"), (1, 4, "w2"), (2, 4, "w3"), (3, 4, "w4"), (4, 4, "")]


def test_a_window_whose_rows_are_gone_is_left_out(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path)
    images, labels = digits
    world.send("1.parquet", images[:400], labels[:400])
    gone, kept = (
        world.send(f"{at}.parquet", images[at : at + 60], labels[at : at + 60]) for at in (400, 460)
    )
    del world.artifacts._contents[str(gone.snapshot)]
    found = life(world)
    assert found.left_out["w2"] == GONE
    assert [each.window.id for each in found.windows] == [kept.id]
