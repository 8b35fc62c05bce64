from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.domain.errors import GrowLearnError, LeaseLost
from growlearn.domain.growth import HEARTBEAT, Progress
from growlearn.domain.window import Claim
from growlearn.pipeline.lease import Lease, hold_lease, renew_periodically


def count_renewals(replies: Callable[[int], bool], wanted: int) -> int:
    """How often a lease of 30 ms was renewed until `wanted` times, or until a second was over."""
    count, reached = 0, threading.Event()

    def renew() -> bool:
        nonlocal count
        count += 1
        if count >= wanted:
            reached.set()
        return replies(count)

    with renew_periodically(renew, 0.03, "w1"):
        reached.wait(1)
    return count


def test_a_lease_is_renewed_as_long_as_there_is_work() -> None:
    assert count_renewals(lambda _: True, 5) >= 5


def test_a_lost_lease_is_not_renewed_again() -> None:
    assert count_renewals(lambda _: False, 2) == 1


def test_work_that_goes_on_without_its_lease_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    with renew_periodically(lambda: False, 0.03, "w1"):
        threading.Event().wait(0.3)
    assert caplog.messages == ["w1 is no longer this worker's"]


def test_a_window_that_ends_while_its_lease_is_renewed_is_no_lost_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    has_ended = threading.Event()

    def renew() -> bool:
        has_ended.set()
        return False  # as the store says of a window that is done

    with renew_periodically(renew, 3, "w1"):
        has_ended.wait(30)
    assert caplog.messages == []


def test_an_unreachable_database_is_tried_again() -> None:
    def unreachable_at_first(count: int) -> bool:
        if count < 3:
            raise ConnectionError("no route")
        return True

    assert count_renewals(unreachable_at_first, 4) >= 4


def test_nothing_is_renewed_once_the_work_is_over() -> None:
    calls: list[int] = []

    def renew() -> bool:
        calls.append(1)
        return True

    with pytest.raises(ZeroDivisionError), renew_periodically(renew, 0.03, "w1"):
        raise ZeroDivisionError
    count = len(calls)
    threading.Event().wait(0.1)
    assert len(calls) == count


class Renewals:
    """A store's answers to renewals of a lease of 20 s, as the test says."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.answer: bool | Exception = True
        self.count = 0
        self.lease = Lease(self.renew, self.clock, 20, "w1")

    def renew(self) -> bool:
        self.count += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_work_under_a_lease_that_was_lost_ends_at_its_next_report() -> None:
    renewals, seen = Renewals(), list[Progress]()
    guarded = renewals.lease.guard(seen.append)
    guarded(HEARTBEAT)
    renewals.answer = False
    assert not renewals.lease.renew()
    renewals.answer = True
    with pytest.raises(LeaseLost, match="w1 is no longer this worker's"):
        guarded(HEARTBEAT)
    assert seen == [HEARTBEAT]
    assert not renewals.lease.renew()  # what is lost stays lost


def test_a_process_that_slept_past_its_lease_asks_before_it_goes_on() -> None:
    renewals = Renewals()
    renewals.answer = False
    renewals.lease.require()
    assert renewals.count == 0
    renewals.clock.advance(21)
    with pytest.raises(LeaseLost):
        renewals.lease.require()


def test_a_process_that_slept_and_was_not_replaced_goes_on() -> None:
    renewals = Renewals()
    renewals.clock.advance(21)
    renewals.lease.require()
    renewals.lease.require()
    assert renewals.count == 1


def test_while_the_database_is_away_work_goes_on_and_asks_once_a_lease() -> None:
    renewals = Renewals()
    renewals.answer = GrowLearnError("no route")
    for _ in range(5):
        renewals.clock.advance(21)
        renewals.lease.require()
        renewals.lease.require()
    assert renewals.count == 5


def test_the_newest_progress_is_taken_once_and_a_heartbeat_is_none() -> None:
    lease = Renewals().lease
    guarded = lease.guard(lambda _: None)
    for done in (1, 2):
        guarded(Progress(stage="training", done=done, total=6))
        guarded(HEARTBEAT)
    assert lease.take_progress() == Progress(stage="training", done=2, total=6)
    assert lease.take_progress() is None


def test_progress_is_recorded_as_the_lease_is_renewed() -> None:
    recorded, ended = list[Progress | None](), threading.Event()

    class Recorder:
        def renew(self, _claim: Claim, _now: datetime, _lease_s: float, progress: Progress | None) -> bool:
            recorded.append(progress)
            if len(recorded) > 1:
                ended.set()
            return True

        def release(self, _claim: Claim) -> None:
            recorded.append(None)

    claim = Claim(stream="digits", window="w1", worker="ada", number=1)
    epoch = Progress(stage="training", done=1, total=6)
    with hold_lease(Recorder(), claim, ManualClock(), 0.03) as lease:  # type: ignore[arg-type]
        lease.guard(lambda _: None)(epoch)
        assert ended.wait(30)
    assert epoch in recorded
    assert recorded.count(epoch) == 1
