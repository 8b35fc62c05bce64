from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.app.outages import Outages
from growlearn.app.signals import Interrupted
from growlearn.app.worker import Worker
from growlearn.domain.errors import ConcurrentUpdate, GrowLearnError, LeaseLost
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Message, MessageKind
from growlearn.domain.window import IngestResult, SourceFile, Window, WindowState

RETRY_S = 20.0


def job(name: str) -> Job:
    return Job(
        name=name,
        source=SourceConfig(url="/nowhere"),
        schema=Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}),
    )


class Bench:
    """A worker over a record, with a handle that does what the test says."""

    def __init__(self, *names: str) -> None:
        self.store = MemoryStore()
        self.clock = ManualClock()
        self.handled: list[str] = []
        self.complaints: list[str] = []
        self.said: list[str] = []
        self.outages = Outages(self.clock, self.said.append, self.complaints.append)
        self.trouble: dict[str, BaseException] = {}
        for name in names:
            self.store.apply(job(name), self.clock.now())
        self.worker = Worker(
            self.store,
            self.clock,
            self.handle,
            self.outages,
            poll_s=0.01,
            parallel=2,
            retry_s=RETRY_S,
        )

    def handle(self, name: str, _: Callable[[], bool]) -> None:
        self.handled.append(name)
        if name in self.trouble:
            raise self.trouble[name]

    def tick(self, name: str) -> None:
        self.store.claim_ticks({name: self.clock.now()})

    def look(self) -> list[str]:
        """What one look at the record handles, in this thread."""
        before = len(self.handled)
        self.worker.start_due(lambda name: self.worker.handle_stream(name, threading.Event()))
        return self.handled[before:]

    def leave_pending(self, name: str) -> None:
        now = self.clock.now()
        window = Window(
            stream=name,
            number=1,
            state=WindowState.ACCEPTED,
            source="file",
            discovered_at=now,
            updated_at=now,
            rows=1,
            snapshot="0" * 64,
        )
        file = SourceFile(url="file", fingerprint="1", size_bytes=1)
        self.store.record_ingest(
            IngestResult(
                stream=name,
                file=file,
                sha256="0" * 64,
                schema="0" * 16,
                rows=1,
                windows=(window,),
                bad_rows=(),
                at=now,
            )
        )


def test_a_stream_is_handled_once_a_tick() -> None:
    bench = Bench("a")
    looks = [bench.look()]
    for _ in range(2):
        bench.clock.advance(300)
        bench.tick("a")
        looks += [bench.look(), bench.look()]
    assert looks == [[], ["a"], [], ["a"], []]


def test_a_paused_stream_is_left_alone_until_it_is_resumed() -> None:
    bench = Bench("a")
    bench.store.set_paused("a", True, bench.clock.now(), "ada")
    bench.tick("a")
    bench.leave_pending("a")
    assert bench.look() == []
    bench.store.set_paused("a", False, bench.clock.now(), "ada")
    assert bench.look() == ["a"]


def test_a_tick_claimed_while_no_worker_ran_is_handled_when_one_starts() -> None:
    bench = Bench("a")
    bench.tick("a")
    assert bench.look() == ["a"]


def test_windows_left_by_a_worker_that_died_are_taken_up_without_a_tick() -> None:
    bench = Bench("a", "b")
    bench.leave_pending("b")
    assert bench.look() == ["b"]


def gaps(bench: Bench) -> list[int]:
    """How many lease times pass before each of the next looks."""
    found = []
    assert bench.look() == ["a"]
    for _ in range(4):
        waited = 0
        while not bench.look():
            bench.clock.advance(RETRY_S)
            waited += 1
        found.append(waited)
    return found


def test_a_stream_whose_window_another_worker_holds_is_looked_at_again_after_each_lease() -> None:
    bench = Bench("a")
    bench.leave_pending("a")
    bench.store.claim("a", "another worker", bench.clock.now(), 10 * RETRY_S)
    assert gaps(bench) == [1, 1, 1, 1]


def test_a_stream_that_waits_for_a_free_place_is_looked_at_again_at_the_next_poll() -> None:
    bench = Bench("a")
    bench.leave_pending("a")  # and nobody has leased it
    looks = [bench.look(), bench.look()]
    bench.clock.advance(0.01)
    assert [*looks, bench.look()] == [["a"], [], ["a"]]


def test_a_stream_that_fails_is_tried_again_later_and_later() -> None:
    bench = Bench("a")
    bench.leave_pending("a")
    bench.trouble["a"] = RuntimeError("broken")
    assert gaps(bench) == [1, 2, 4, 8]
    assert bench.complaints == ["stream 'a': broken; tried again until it is back"]
    del bench.trouble["a"]
    bench.clock.advance(16 * RETRY_S)
    assert bench.look() == ["a"]
    assert bench.said == ["stream 'a' is back after 620 s"]


@pytest.mark.parametrize(
    ("error", "is_bug"),
    [(KeyError("colour"), True), (GrowLearnError("no source"), False), (ConnectionResetError("peer"), False)],
)
def test_the_log_has_the_traceback_of_a_bug_alone(
    error: Exception, is_bug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench("a")
    bench.leave_pending("a")
    bench.trouble["a"] = error
    assert bench.look() == ["a"]
    assert [record.exc_info is not None for record in caplog.records] == ([True] if is_bug else [])


def test_a_stream_that_fails_for_years_is_still_tried_every_ten_minutes() -> None:
    bench = Bench("a")
    bench.leave_pending("a")
    bench.trouble["a"] = RuntimeError("broken")
    for _ in range(1100):  # doubled so often, a float would overflow
        assert bench.look() == ["a"]
        bench.clock.advance(600)
    assert len(bench.complaints) == 1


def test_messages_for_the_tracker_are_no_work_on_a_stream() -> None:
    bench = Bench("a")
    bench.store.change_aliases("a", (), None, Message(stream="a", kind=MessageKind.ALIASES))
    assert bench.look() == []


@pytest.mark.parametrize(
    "error",
    [LeaseLost("w1 is no longer this worker's"), ConcurrentUpdate("w1 was written by another process")],
)
def test_what_another_worker_did_first_is_no_trouble_and_its_stream_waits_for_one_lease(
    error: ConcurrentUpdate,
) -> None:
    bench = Bench("a")
    bench.leave_pending("a")
    bench.trouble["a"] = error
    assert gaps(bench) == [1, 1, 1, 1]
    assert bench.complaints == []


def test_streams_take_turns_where_there_is_not_room_for_all() -> None:
    bench = Bench("a", "b", "c", "d")
    for name in ("a", "b", "c"):
        bench.leave_pending(name)
    turns: list[str] = []

    def handle(name: str, lets_others_go_first: Callable[[], bool]) -> None:
        assert lets_others_go_first() == (len(turns) < 4)
        turns.append(name)
        if len(turns) == 4:  # all but this one were deleted: nobody waits any more
            for other in {"a", "b", "c"} - {name}:
                bench.store.delete(other)

    worker = Worker(bench.store, bench.clock, handle, bench.outages, poll_s=0.01, parallel=1, retry_s=RETRY_S)
    for _ in range(5):
        worker.start_due(lambda name: worker.handle_stream(name, threading.Event()))
    assert turns == ["a", "b", "c", "a", "a"]
    assert bench.complaints == []


def test_one_stream_that_fails_is_named_and_tried_again_later_and_does_not_stop_the_others() -> None:
    bench = Bench("bad", "good")
    bench.trouble["bad"] = RuntimeError("disk full")
    for name in ("bad", "good"):
        bench.tick(name)
    assert bench.look() == ["bad", "good"]
    assert bench.complaints == ["stream 'bad': disk full; tried again until it is back"]
    assert bench.look() == []
    del bench.trouble["bad"]
    bench.clock.advance(RETRY_S)
    assert bench.look() == ["bad"]
    assert bench.look() == []


def test_being_asked_to_stop_is_no_trouble() -> None:
    bench = Bench("a")
    bench.tick("a")
    bench.trouble["a"] = Interrupted()
    bench.look()
    assert bench.complaints == []


def test_streams_run_in_parallel_and_one_stream_never_twice_at_once() -> None:
    bench = Bench("a", "b")
    both = threading.Barrier(2, timeout=10)
    running: list[str] = []
    twice: list[str] = []

    def handle(name: str, _: Callable[[], bool]) -> None:
        if name in running:
            twice.append(name)
        running.append(name)
        both.wait()  # passes only where both streams are under way
        running.remove(name)

    worker = Worker(
        bench.store,
        bench.clock,
        handle,
        bench.outages,
        poll_s=0.01,
        parallel=2,
        retry_s=RETRY_S,
    )
    for name in ("a", "b"):
        bench.tick(name)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 10
    while (worker._ticks.keys() != {"a", "b"}) and time.monotonic() < deadline:
        worker.wake("a")
    stop.set()
    thread.join(10)
    assert (thread.is_alive(), twice, bench.complaints) == (False, [], [])


def test_a_record_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("a")
    bench.tick("a")
    with monkeypatch.context() as away:
        away.setattr(bench.store, "stream_work", lambda: 1 / 0)
        assert bench.look() == []
        assert bench.look() == []
    assert bench.complaints == ["the database: division by zero; tried again until it is back"]
    bench.clock.advance(7)
    assert bench.look() == ["a"]
    assert bench.said == ["the database is back after 7 s"]


def test_a_stream_that_is_paused_amid_a_backlog_is_left_after_the_window_in_progress() -> None:
    bench = Bench("a")
    asked: list[bool] = []

    def handle(name: str, should_stop: Callable[[], bool]) -> None:
        asked.append(should_stop())
        bench.store.set_paused(name, True, bench.clock.now(), "ada")
        asked.append(should_stop())

    bench.worker._handle = handle
    bench.tick("a")
    bench.look()
    assert asked == [False, True]
    bench.store.set_paused("a", False, bench.clock.now(), "ada")
    bench.look()  # the rest of the tick is still to come
    assert len(asked) == 4
