from __future__ import annotations

import os
import threading
from datetime import timedelta

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.app.heartbeat import keep_heartbeat
from growlearn.domain.process import ProcessKind, ProcessRecord


class CountingStore(MemoryStore):
    """Says when it got so many heartbeats."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self.left, self.reached = wanted, threading.Event()

    def record_heartbeat(self, process: ProcessRecord) -> None:
        super().record_heartbeat(process)
        self.left -= 1
        if self.left <= 0:
            self.reached.set()


def test_a_process_is_in_the_record_for_as_long_as_it_runs() -> None:
    store, clock = CountingStore(1), ManualClock()
    with keep_heartbeat(store, clock, ProcessKind.SCHEDULER, 2.0):
        (process,) = store.processes()
        assert (process.kind, process.pid) == (ProcessKind.SCHEDULER, os.getpid())
        assert process.next_look_at == clock.now() + timedelta(seconds=2)
    assert store.processes() == ()


def test_heartbeats_go_on() -> None:
    store = CountingStore(4)
    with keep_heartbeat(store, ManualClock(), ProcessKind.API, None, interval_s=0.01):
        assert store.reached.wait(10)
        assert store.processes()[0].next_look_at is None


def test_a_database_that_is_away_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    store = CountingStore(3)
    for name in ("record_heartbeat", "remove_process"):
        monkeypatch.setattr(MemoryStore, name, lambda *_: 1 / 0)
    with keep_heartbeat(store, ManualClock(), ProcessKind.WORKER, 2.0, interval_s=0.01):
        pass
