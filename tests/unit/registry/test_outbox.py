from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.domain.errors import CorruptArtifact, GrowLearnError, Unavailable, Undeliverable
from growlearn.domain.job import RegistryConfig
from growlearn.domain.lineage import Version
from growlearn.domain.stream import Alias, Message, MessageKind, Stream, TrackerIds
from growlearn.domain.window import WindowState
from growlearn.ports import WindowReport
from growlearn.registry.outbox import build_window_report, deliver_messages


class FailingTracker(MemoryTracker):
    """Fails for the given streams, before anything is written."""

    def __init__(self, *broken: str) -> None:
        super().__init__()
        self.broken = set(broken)
        self.calls: list[tuple[str, object]] = []

    def log_cycle(self, window_report: WindowReport) -> TrackerIds:
        self._check(window_report.stream.name)
        self.calls.append((window_report.stream.name, window_report.window.id))
        return super().log_cycle(window_report)

    def set_aliases(
        self,
        stream: Stream,
        versions: Sequence[Version],
        targets: Mapping[Alias, int | None],
        *,
        take: bool = False,
    ) -> None:
        self._check(stream.name)
        self.calls.append((stream.name, dict(targets)))
        super().set_aliases(stream, versions, targets, take=take)

    def _check(self, stream: str) -> None:
        if stream in self.broken:
            raise ConnectionError("no route to MLflow")


def deliver(history: Any, tracker: MemoryTracker, stream: str | None = None) -> int:
    return deliver_messages(history.store, tracker, history.clock, stream)


def test_messages_are_delivered_in_order(history: Any) -> None:
    tracker = FailingTracker()
    history.grow("s", a=9)
    history.skip("s")
    history.grow("s", a=9, b=8)
    assert deliver(history, tracker) == 5
    assert tracker.calls == [
        ("s", "w1"),
        ("s", {Alias.CHALLENGER: None}),  # w3's version is the champion already; its message comes later
        ("s", "w2"),
        ("s", "w3"),
        ("s", {Alias.CHAMPION: 2, Alias.CHALLENGER: None}),
    ]
    assert history.store.outbox.pending() == ()


def test_the_tracker_s_names_are_kept_on_the_version(history: Any) -> None:
    history.grow("s", a=9)
    deliver(history, MemoryTracker())
    (version,) = history.store.versions("s")
    assert (version.mlflow_run, version.mlflow_version) == ("run-1", "1")


def test_tracker_versions_need_not_have_our_numbers(history: Any) -> None:
    """Two streams that share one registered model."""
    shared = RegistryConfig(model="shared")
    history.open("other")
    for name in ("s", "other"):
        history.store.apply(replace(history.store.stream(name).job, registry=shared), history.clock.now())
        history.grow(name, a=9)
    tracker = MemoryTracker()
    deliver(history, tracker, "other")
    deliver(history, tracker, "s")
    assert history.store.versions("s")[0].mlflow_version == "2"
    assert tracker.aliases["shared"][Alias.CHAMPION] == "1"  # the other stream's, which it keeps
    history.store.outbox.enqueue([Message(stream="s", kind=MessageKind.TAKE_ALIASES)])
    deliver(history, tracker, "s")
    assert tracker.aliases["shared"][Alias.CHAMPION] == "2"


def test_a_failed_delivery_is_counted_and_stops_its_stream_only(
    history: Any, caplog: pytest.LogCaptureFixture
) -> None:
    history.open("other")
    for name in ("s", "other"):
        history.grow(name, a=9)
    tracker = FailingTracker("s")
    with caplog.at_level(logging.WARNING):
        assert deliver(history, tracker) == 2
    assert [call[0] for call in tracker.calls] == ["other", "other"]
    assert [pending.attempts for pending in history.store.outbox.pending("s")] == [1, 0]
    assert "'s': delivery to the tracker failed: ConnectionError: no route to MLflow" in caplog.text


def test_failed_messages_are_delivered_again_in_order(history: Any) -> None:
    history.grow("s", a=9)
    history.skip("s")
    tracker = FailingTracker("s")
    assert deliver(history, tracker) == 0
    tracker.broken.clear()
    assert deliver(history, tracker) == 3
    assert [call[1] for call in tracker.calls] == [
        "w1",
        {Alias.CHAMPION: 1, Alias.CHALLENGER: None},
        "w2",
    ]


def test_a_failure_halfway_keeps_earlier_deliveries(history: Any) -> None:
    history.grow("s", a=9)

    class NoAliases(FailingTracker):
        def set_aliases(self, *_: Any, **__: Any) -> None:
            raise TimeoutError

    assert deliver(history, NoAliases()) == 1
    assert len(history.store.outbox.pending("s")) == 1


def test_more_messages_than_a_page_holds_are_all_delivered(history: Any) -> None:
    for _ in range(130):
        history.skip("s")
    assert deliver(history, MemoryTracker()) == 130


def test_a_full_page_of_one_broken_stream_does_not_hide_another(history: Any) -> None:
    history.open("z")
    for _ in range(110):
        history.skip("s")
    history.skip("z")
    assert deliver(history, FailingTracker("s")) == 1


def test_only_the_named_stream_is_delivered(history: Any) -> None:
    history.open("other")
    history.skip("s")
    history.skip("other")
    assert deliver(history, MemoryTracker(), "other") == 1
    assert len(history.store.outbox.pending("s")) == 1


def test_without_pending_messages_nothing_is_delivered(history: Any) -> None:
    assert deliver(history, MemoryTracker()) == 0


def test_after_a_rollback_before_any_delivery_the_aliases_equal_the_store_s(history: Any) -> None:
    history.grow("s", a=9)
    history.grow("s", a=9, b=8)
    history.roll_back("s")
    tracker = MemoryTracker()
    deliver(history, tracker)
    assert tracker.aliases["s"] == {Alias.CHAMPION: "1"}


def test_a_pending_version_is_the_challenger(history: Any) -> None:
    history.grow("s", a=9)
    history.grow("s", WindowState.PENDING_APPROVAL, a=9, b=8)
    tracker = MemoryTracker()
    deliver(history, tracker)
    assert tracker.aliases["s"] == {Alias.CHAMPION: "1", Alias.CHALLENGER: "2"}


def test_a_cycle_with_a_version_reports_that_version_s_matrix(history: Any) -> None:
    history.grow("s", a=9)
    second = history.grow("s", a=9, b=8)
    history.grow("s", a=9, b=8, c=7)
    record = build_window_report(history.store, "s", second)
    assert record.version is not None
    assert (record.version.number, record.matrix.tasks) == (2, ("a", "b"))
    assert [branch.id for branch in record.branches] == ["b1", "b2"]


@pytest.mark.parametrize("state", [WindowState.PROMOTED, WindowState.REJECTED])
def test_a_candidate_reports_the_scores_of_its_parent_version(history: Any, state: WindowState) -> None:
    first = history.grow("s", a=9)
    second = history.grow("s", state, a=7, b=8)
    assert build_window_report(history.store, "s", first).parent_task_scores == ()
    assert [
        (c.task, c.correct) for c in build_window_report(history.store, "s", second).parent_task_scores
    ] == [("a", 9)]
    assert build_window_report(history.store, "s", history.skip("s")).parent_task_scores == ()


@pytest.mark.parametrize("state", [None, WindowState.REJECTED])
def test_a_cycle_without_a_version_reports_the_matrix_of_its_time(
    history: Any, state: WindowState | None
) -> None:
    """However late the report is built: a rebuilt mirror is the same."""
    early = history.skip("s")
    history.grow("s", a=9)
    window = history.skip("s") if state is None else history.grow("s", state, a=1, x=1)
    before = build_window_report(history.store, "s", window)
    history.grow("s", a=9, b=8)
    after = build_window_report(history.store, "s", window)
    assert before.version is after.version is None
    assert before.matrix == after.matrix
    assert after.matrix.tasks == (("a",) if state is None else ("a", "x"))
    assert before.branches == after.branches
    assert build_window_report(history.store, "s", early).matrix.tasks == ()


class ChangedMeanwhile(MemoryTracker):
    """While aliases are set for the first time, a person changes the champion."""

    def __init__(self, move: Callable[[], None]) -> None:
        super().__init__()
        self.moves = [move]

    def set_aliases(self, *arguments: Any, **options: Any) -> None:
        if self.moves:
            self.moves.pop()()
        super().set_aliases(*arguments, **options)


def test_aliases_that_change_during_delivery_are_set_again(history: Any) -> None:
    history.grow("s", a=9)
    history.grow("s", a=9, b=8)
    tracker = ChangedMeanwhile(lambda: history.roll_back("s", 1))
    pending = history.store.outbox.pending("s")
    deliver(history, tracker)
    assert len(pending) == 4
    assert tracker.aliases["s"][Alias.CHAMPION] == "1"


class Refusing(MemoryTracker):
    """Raises an error for one window, again and again."""

    def __init__(self, window: str, error: Exception) -> None:
        super().__init__()
        self.window, self.error = window, error

    def log_cycle(self, window_report: WindowReport) -> TrackerIds:
        if window_report.window.id == self.window:
            raise self.error
        return super().log_cycle(window_report)


@pytest.mark.parametrize(
    "error",
    [
        Undeliverable("too large"),
        CorruptArtifact("b1 is missing"),
        ValueError("not a number"),
        KeyError("b7"),
    ],
)
def test_what_can_never_be_delivered_leaves_the_queue_with_its_reason_and_the_rest_goes_on(
    history: Any, error: Exception
) -> None:
    history.grow("s", a=9)
    second = history.grow("s", a=9, b=8)
    history.skip("s")
    tracker = Refusing(second, error)
    assert deliver(history, tracker) == 4
    assert history.store.outbox.pending() == ()
    [undeliverable] = history.store.outbox.undeliverable("s")
    assert undeliverable.message.window == second
    assert undeliverable.reason == f"{type(error).__name__}: {error}"
    assert tracker.aliases["s"] == {}  # the champion, version 2, is not registered


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("no server"),
        GrowLearnError("database is locked"),
        TimeoutError("slow"),
        OSError(errno.ENOSPC, "full"),
        MemoryError(),
        RuntimeError("can't start new thread"),
        sqlite3.OperationalError("database is locked"),
    ],
)
def test_what_may_be_delivered_later_waits_however_often_it_fails(history: Any, error: Exception) -> None:
    window = history.skip("s")
    for _ in range(30):
        assert deliver(history, Refusing(window, error)) == 0
    assert [pending.attempts for pending in history.store.outbox.pending()] == [30]
    assert history.store.outbox.undeliverable("s") == ()


def test_what_left_the_queue_is_sent_once_more_when_it_is_put_back(history: Any) -> None:
    window = history.grow("s", a=9)
    deliver(history, Refusing(window, CorruptArtifact("b1 is missing")))
    tracker = MemoryTracker()
    history.store.outbox.requeue_undeliverable("s")
    deliver(history, tracker)
    assert history.store.outbox.undeliverable("s") == ()
    assert tracker.versions["s"].keys() == {"1"}
