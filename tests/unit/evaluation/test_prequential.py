"""Prequential evaluation of a stream of real handwritten digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from growlearn.adapters.memory.store import MemoryStore
from growlearn.domain.decision_log import LogEntry
from growlearn.domain.schema import InputColumn, InputType
from growlearn.domain.stream import Message, MessageKind
from growlearn.domain.window import WindowState
from growlearn.evaluation.prequential import (
    NO_CHAMPION,
    NO_LABELS,
    ROWS_MISSING,
    SCHEMA_CHANGED,
    PrequentialResult,
    evaluate_prequentially,
)
from growlearn.ingest.rows import from_parquet
from growlearn.network.model.network import load_network
from growlearn.registry.promotion import rollback_version
from tests.unit import delayed_labels
from tests.unit.digits import Digits
from tests.unit.in_memory import TASKED, World, parquet


def evaluate(world: Any) -> PrequentialResult:
    return evaluate_prequentially(world.store, world.artifacts, "digits", lambda _: None)


def make_files(data: Digits) -> dict[str, bytes]:
    """Upright digits, the same again, turned ones, and turned ones again."""
    images, labels = data
    turned = np.ascontiguousarray(np.rot90(images, axes=(1, 2)))
    parts = ((images, 0, 450), (images, 450, 600), (turned, 600, 1050), (turned, 1050, 1200))
    return {
        f"{a}.parquet": parquet(pixels[a:b], labels[a:b])
        for pixels, a, b in sorted(parts, key=lambda p: p[1])
    }


def run_all(world: World, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        world.source.put(f"{len(world.source.files())}-{name}", content)
        world.clock.advance(60)
        world.run()


def roll_back(world: World) -> None:
    stream, at = world.store.stream("digits"), world.clock.now()
    changes, parent_version = rollback_version(
        stream, world.store.versions("digits"), None, "me", "worse", at
    )
    world.store.change_aliases(
        "digits", changes, parent_version, Message(stream="digits", kind=MessageKind.ALIASES)
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> World:
    """Two versions; the second grew from w3."""
    world = World(tmp_path_factory.mktemp("finished"))
    run_all(world, make_files(digits))
    assert world.store.window("digits", "w3").state is WindowState.PROMOTED
    return world


def test_every_window_is_scored_with_the_champion_before_it(finished: World) -> None:
    result = evaluate(finished)
    assert [(score.window.id, score.version) for score in result.windows] == [("w2", 1), ("w3", 1), ("w4", 2)]
    assert result.excluded == {"w1": NO_CHAMPION}
    stable, drifted, learned = (score.accuracy for score in result.windows)
    assert min(stable, learned) > drifted


def test_correct_rows_are_those_of_the_version_s_own_network(finished: World) -> None:
    """Version 1 has one task, so nothing is routed."""
    version = finished.store.versions("digits")[0]
    network = load_network(version.manifest, finished.artifacts.get)
    for score in evaluate(finished).windows[:2]:
        rows = from_parquet(finished.artifacts.get(str(score.window.snapshot)), version.manifest.schema)
        answers = network.logits(rows, "task-1").argmax(axis=1)
        classes = version.manifest.task("task-1").classes
        right = sum(classes[answer] == label for answer, label in zip(answers, rows.labels, strict=True))
        assert (score.correct, score.rows, score.unanswered) == (right, len(rows), 0)


def test_the_accuracy_weights_rows_equally_and_the_mean_weights_windows_equally(finished: World) -> None:
    result = evaluate(finished)
    assert [score.rows for score in result.windows] == [150, 450, 150]
    assert result.accuracy is not None
    assert result.accuracy == pytest.approx(sum(score.correct for score in result.windows) / 750)
    assert result.mean_accuracy == pytest.approx(
        sum(score.correct / score.rows for score in result.windows) / 3
    )
    assert result.interval is not None
    assert result.interval.low < result.accuracy < result.interval.high


def test_a_backlog_is_scored_like_files_that_came_one_by_one(
    finished: World, tmp_path: Path, digits: Digits
) -> None:
    world = World(tmp_path)
    for at, (name, content) in enumerate(make_files(digits).items()):
        world.source.put(f"{at}-{name}", content)
    world.run()
    at_once, one_by_one = (
        [(score.window.id, score.version, score.correct) for score in evaluate(one).windows]
        for one in (world, finished)
    )
    assert at_once == one_by_one


def test_after_a_rollback_the_earlier_version_is_scored(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path)
    run_all(world, make_files(digits))
    roll_back(world)
    images, labels = digits
    world.send("later.parquet", images[1200:1300], labels[1200:1300])
    assert [score.version for score in evaluate(world).windows] == [1, 1, 2, 1]


class WithoutEarlyEntries(MemoryStore):
    """A migrated store: its decision log lacks the first decisions."""

    first_entry = 10**9

    def decision_log(self, stream: str, window: str | None = None) -> Sequence[LogEntry]:
        return super().decision_log(stream, window)[self.first_entry :]


@pytest.mark.parametrize("first_entry", [0, 5, 9, 12, 10**9])
def test_windows_judged_before_the_decision_log_use_the_times_of_alias_changes(
    finished: World, monkeypatch: pytest.MonkeyPatch, first_entry: int
) -> None:
    monkeypatch.setattr(finished.store, "__class__", WithoutEarlyEntries)
    monkeypatch.setattr(WithoutEarlyEntries, "first_entry", first_entry)
    result = evaluate(finished)
    assert [(score.window.id, score.version) for score in result.windows] == [("w2", 1), ("w3", 1), ("w4", 2)]


def test_rows_of_a_task_unknown_to_the_champion_are_wrong(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path, TASKED)
    for task, digits_of_task in (("low", range(5)), ("high", range(5, 10))):
        few = [i for i, label in enumerate(labels) if label in digits_of_task][:300]
        world.send(f"{task}.parquet", images[few], [labels[i] for i in few], task)
    (new,) = evaluate(world).windows
    assert (new.version, new.rows, new.unanswered, new.correct) == (1, 300, 300, 0)


def test_windows_without_labels_are_excluded_with_the_reason(tmp_path: Path, digits: Digits) -> None:
    images, labels = digits
    world = World(tmp_path)
    world.send("1.parquet", images[:450], labels[:450])
    nothing: list[int | None] = [None] * 100
    world.send("2.parquet", images[450:550], nothing)
    world.send("3.parquet", images[550:650], nothing[:50] + labels[600:650])
    result = evaluate(world)
    assert result.excluded == {"w1": NO_CHAMPION, "w2": NO_LABELS}
    assert [(score.window.id, score.rows) for score in result.windows] == [("w3", 50)]


def test_rows_stored_under_other_columns_are_excluded(
    finished: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = finished.store.versions("digits")
    schema = replace(
        first.manifest.schema, inputs={"photo": InputColumn(type=InputType.IMAGE, shape=(1, 8, 8))}
    )
    renamed = replace(first, manifest=replace(first.manifest, schema=schema))
    monkeypatch.setattr(finished.store, "versions", lambda _: (renamed, *others))
    assert evaluate(finished).excluded == {"w1": NO_CHAMPION, "w2": SCHEMA_CHANGED, "w3": SCHEMA_CHANGED}


def test_a_window_that_waited_for_labels_is_scored_with_the_champion_of_its_first_judgement(
    tmp_path: Path,
) -> None:
    world = delayed_labels.World(tmp_path)
    world.learn_first()
    world.send_rows(delayed_labels.DRIFTED)
    world.run()
    waiting = world.store.window("digits", "w2")
    assert (waiting.state, evaluate(world).excluded["w2"]) == (WindowState.AWAITING_LABELS, NO_LABELS)
    world.send_labels(delayed_labels.DRIFTED)
    world.run()
    assert world.store.stream("digits").champion == 2
    (late,) = evaluate(world).windows
    assert (late.window.id, late.version, late.rows) == ("w2", 1, 300)


def test_a_stream_without_a_judged_window_has_no_score(tmp_path: Path) -> None:
    result = evaluate(World(tmp_path))
    assert (result.windows, result.excluded) == ((), {})
    assert (result.accuracy, result.interval, result.mean_accuracy, result.rows) == (None, None, None, 0)


def test_progress_is_reported_for_every_window(finished: World) -> None:
    seen: list[tuple[int, int, str]] = []
    evaluate_prequentially(
        finished.store,
        finished.artifacts,
        "digits",
        lambda progress: seen.append((progress.done, progress.total, progress.note)),
    )
    assert seen == [(0, 4, "w1"), (1, 4, "w2"), (2, 4, "w3"), (3, 4, "w4"), (4, 4, "")]


def test_a_window_without_its_rows_is_excluded(tmp_path: Path, digits: Digits) -> None:
    world = World(tmp_path)
    images, labels = digits
    world.send("1.parquet", images[:400], labels[:400])
    missing, kept = (
        world.send(f"{at}.parquet", images[at : at + 60], labels[at : at + 60]) for at in (400, 460)
    )
    del world.artifacts._contents[str(missing.snapshot)]
    result = evaluate(world)
    assert result.excluded["w2"] == ROWS_MISSING
    assert [score.window.id for score in result.windows] == [kept.id]
