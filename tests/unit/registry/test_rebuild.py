from __future__ import annotations

from typing import Any

from growlearn.adapters.memory.tracker import MemoryTracker
from growlearn.domain.stream import MessageKind
from growlearn.domain.window import WindowState
from growlearn.registry.outbox import deliver_messages
from growlearn.registry.rebuild import queue_rebuild


def fill(history: Any) -> None:
    history.grow("s", a=10)
    history.skip("s")
    history.grow("s", WindowState.REJECTED, a=10, b=9)
    history.grow("s", a=10, b=10)
    history.roll_back("s")


def contents(tracker: MemoryTracker) -> object:
    runs = [(key, report.matrix, report.record) for key, report in tracker.runs.items()]
    return runs, tracker.versions, tracker.aliases


def test_a_new_tracker_becomes_as_the_one_that_was_lost(history: Any) -> None:
    fill(history)
    lost, new = MemoryTracker(), MemoryTracker()
    deliver_messages(history.store, lost, history.clock)
    assert queue_rebuild(history.store, "s") == 4
    assert deliver_messages(history.store, new, history.clock) == 5
    assert contents(new) == contents(lost)


def test_a_tracker_that_has_all_stays_as_it_is(history: Any) -> None:
    fill(history)
    tracker = MemoryTracker()
    deliver_messages(history.store, tracker, history.clock)
    before = contents(tracker)
    queue_rebuild(history.store, "s")
    deliver_messages(history.store, tracker, history.clock)
    assert contents(tracker) == before
    assert history.store.outbox.pending() == ()


def test_a_window_whose_message_waits_gets_no_second_one(history: Any) -> None:
    fill(history)
    queue_rebuild(history.store, "s")
    cycles = [
        pending.message.window
        for pending in history.store.outbox.pending()
        if pending.message.kind is MessageKind.CYCLE
    ]
    assert cycles == ["w1", "w2", "w3", "w4"]


def test_a_stream_without_ended_windows_has_nothing_to_send(history: Any) -> None:
    assert queue_rebuild(history.store, "s") == 0
    assert history.store.outbox.pending() == ()
