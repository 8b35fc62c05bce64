from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.domain.job import RegistrySpec
from growlearn.domain.stream import Alias, Receipt, Stream
from growlearn.domain.window import WindowState
from growlearn.ports import CycleRecord
from growlearn.registry.outbox import cycle_record, deliver


class FailingTracker(MemoryTracker):
    """Fails for the streams it is told to, before anything is written."""

    def __init__(self, *broken: str) -> None:
        super().__init__()
        self.broken = set(broken)
        self.calls: list[tuple[str, object]] = []

    def log_cycle(self, record: CycleRecord) -> Receipt:
        self._check(record.stream.name)
        self.calls.append((record.stream.name, record.window.id))
        return super().log_cycle(record)

    def set_aliases(self, stream: Stream, versions: Mapping[Alias, str | None]) -> None:
        self._check(stream.name)
        self.calls.append((stream.name, dict(versions)))
        super().set_aliases(stream, versions)

    def _check(self, stream: str) -> None:
        if stream in self.broken:
            raise ConnectionError("no route to MLflow")


def tell(ledger: Any, tracker: MemoryTracker, stream: str | None = None) -> int:
    return deliver(ledger.store, tracker, ledger.clock, stream)


def test_all_is_told_in_order(ledger: Any) -> None:
    tracker = FailingTracker()
    ledger.grow("s", a=9)
    ledger.settle("s")
    ledger.grow("s", a=9, b=8)
    assert tell(ledger, tracker) == 5
    assert tracker.calls == [
        ("s", "w1"),
        ("s", {Alias.CHALLENGER: None}),  # the champion is w3's already, which is told of next but one
        ("s", "w2"),
        ("s", "w3"),
        ("s", {Alias.CHAMPION: "2", Alias.CHALLENGER: None}),
    ]
    assert ledger.store.pending_messages() == ()


def test_the_tracker_s_names_are_kept_on_the_version(ledger: Any) -> None:
    ledger.grow("s", a=9)
    tell(ledger, MemoryTracker())
    (version,) = ledger.store.versions("s")
    assert (version.mlflow_run, version.mlflow_version) == ("run-1", "1")


def test_tracker_versions_need_not_have_our_numbers(ledger: Any) -> None:
    """Two streams that share one registered model."""
    shared = RegistrySpec(model="shared")
    ledger.open("other")
    for name in ("s", "other"):
        ledger.store.apply(replace(ledger.store.stream(name).job, registry=shared), ledger.clock.now())
        ledger.grow(name, a=9)
    tracker = MemoryTracker()
    tell(ledger, tracker, "other")
    tell(ledger, tracker, "s")
    assert tracker.aliases["shared"][Alias.CHAMPION] == "2"


def test_a_failed_delivery_is_counted_and_stops_its_stream_only(
    ledger: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.open("other")
    for name in ("s", "other"):
        ledger.grow(name, a=9)
    tracker = FailingTracker("s")
    with caplog.at_level(logging.WARNING):
        assert tell(ledger, tracker) == 2
    assert [call[0] for call in tracker.calls] == ["other", "other"]
    assert [pending.attempts for pending in ledger.store.pending_messages("s")] == [1, 0]
    assert "'s': the tracker was not told: ConnectionError: no route to MLflow" in caplog.text


def test_what_failed_is_told_again_in_order(ledger: Any) -> None:
    ledger.grow("s", a=9)
    ledger.settle("s")
    tracker = FailingTracker("s")
    assert tell(ledger, tracker) == 0
    tracker.broken.clear()
    assert tell(ledger, tracker) == 3
    assert [call[1] for call in tracker.calls] == [
        "w1",
        {Alias.CHAMPION: "1", Alias.CHALLENGER: None},
        "w2",
    ]


def test_a_failure_halfway_keeps_what_was_told(ledger: Any) -> None:
    ledger.grow("s", a=9)

    class NoAliases(FailingTracker):
        def set_aliases(self, stream: Stream, versions: Mapping[Alias, str | None]) -> None:
            raise TimeoutError

    assert tell(ledger, NoAliases()) == 1
    assert len(ledger.store.pending_messages("s")) == 1


def test_more_messages_than_a_page_holds_are_all_told(ledger: Any) -> None:
    for _ in range(130):
        ledger.settle("s")
    assert tell(ledger, MemoryTracker()) == 130


def test_a_full_page_of_one_broken_stream_does_not_hide_another(ledger: Any) -> None:
    ledger.open("z")
    for _ in range(110):
        ledger.settle("s")
    ledger.settle("z")
    assert tell(ledger, FailingTracker("s")) == 1


def test_only_the_named_stream_is_told(ledger: Any) -> None:
    ledger.open("other")
    ledger.settle("s")
    ledger.settle("other")
    assert tell(ledger, MemoryTracker(), "other") == 1
    assert len(ledger.store.pending_messages("s")) == 1


def test_nothing_pending_tells_nothing(ledger: Any) -> None:
    assert tell(ledger, MemoryTracker()) == 0


def test_a_rollback_before_any_delivery_ends_where_the_store_stands(ledger: Any) -> None:
    ledger.grow("s", a=9)
    ledger.grow("s", a=9, b=8)
    ledger.roll_back("s")
    tracker = MemoryTracker()
    tell(ledger, tracker)
    assert tracker.aliases["s"] == {Alias.CHAMPION: "1"}


def test_a_held_version_is_the_challenger(ledger: Any) -> None:
    ledger.grow("s", a=9)
    ledger.grow("s", WindowState.HELD, a=9, b=8)
    tracker = MemoryTracker()
    tell(ledger, tracker)
    assert tracker.aliases["s"] == {Alias.CHAMPION: "1", Alias.CHALLENGER: "2"}


def test_a_cycle_that_made_a_version_is_told_with_that_version_s_matrix(ledger: Any) -> None:
    ledger.grow("s", a=9)
    second = ledger.grow("s", a=9, b=8)
    ledger.grow("s", a=9, b=8, c=7)
    record = cycle_record(ledger.store, "s", second)
    assert record.version is not None
    assert (record.version.number, record.matrix.tasks) == (2, ("a", "b"))
    assert [branch.id for branch in record.branches] == ["b1", "b2"]


@pytest.mark.parametrize("state", [WindowState.PROMOTED, WindowState.REJECTED])
def test_a_candidate_is_told_with_what_the_version_it_grew_from_answered(
    ledger: Any, state: WindowState
) -> None:
    first = ledger.grow("s", a=9)
    second = ledger.grow("s", state, a=7, b=8)
    assert cycle_record(ledger.store, "s", first).base_cells == ()
    assert [(c.task, c.correct) for c in cycle_record(ledger.store, "s", second).base_cells] == [("a", 9)]
    assert cycle_record(ledger.store, "s", ledger.settle("s")).base_cells == ()


@pytest.mark.parametrize("state", [None, WindowState.REJECTED])
def test_a_cycle_without_a_version_is_told_with_the_matrix_of_its_day(
    ledger: Any, state: WindowState | None
) -> None:
    """However late it is told: a mirror rebuilt from the record says the same."""
    early = ledger.settle("s")
    ledger.grow("s", a=9)
    window = ledger.settle("s") if state is None else ledger.grow("s", state, a=1, x=1)
    before = cycle_record(ledger.store, "s", window)
    ledger.grow("s", a=9, b=8)
    after = cycle_record(ledger.store, "s", window)
    assert before.version is after.version is None
    assert before.matrix == after.matrix
    assert after.matrix.tasks == (("a",) if state is None else ("a", "x"))
    assert before.branches == after.branches
    assert cycle_record(ledger.store, "s", early).matrix.tasks == ()


class MovedMeanwhile(MemoryTracker):
    """While aliases are set for the first time, a person moves the champion."""

    def __init__(self, move: Callable[[], None]) -> None:
        super().__init__()
        self.moves = [move]

    def set_aliases(self, stream: Stream, versions: Mapping[Alias, str | None]) -> None:
        if self.moves:
            self.moves.pop()()
        super().set_aliases(stream, versions)


def test_aliases_that_moved_while_they_were_told_are_told_again(ledger: Any) -> None:
    ledger.grow("s", a=9)
    ledger.grow("s", a=9, b=8)
    tracker = MovedMeanwhile(lambda: ledger.roll_back("s", 1))
    pending = ledger.store.pending_messages("s")
    tell(ledger, tracker)
    assert len(pending) == 4
    assert tracker.aliases["s"][Alias.CHAMPION] == "1"
