from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from growlearn.adapters.memory.clock import ManualClock
from growlearn.adapters.memory.store import MemoryStore
from growlearn.adapters.scheduler.scheduler import Scheduler
from growlearn.domain.job import Job, Schedule, SourceConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.stream import Stream
from growlearn.domain.stream_overview import StreamSchedule
from growlearn.ports import Store

HOUR_S = 3600
DAY_S = 24 * HOUR_S


def job(name: str, schedule: Schedule) -> Job:
    schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
    return Job(name=name, source=SourceConfig(url="/nowhere"), schema=schema, schedule=schedule)


class Office:
    """A record, a clock and what was dispatched."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = ManualClock(datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC))  # a Thursday
        self.dispatched: list[str] = []
        self.complaints: list[str] = []
        self.recoveries: list[str] = []

    def scheduler(self, store: Store | None = None) -> Scheduler:
        return Scheduler(
            store or self.store,
            self.clock,
            self.dispatched.append,
            poll_s=0.05,
            on_error=lambda subject, reason: self.complaints.append(f"{subject}: {reason}"),
            on_recovery=self.recoveries.append,
        )

    def apply(self, name: str, **schedule: str) -> Stream:
        return self.store.apply(job(name, Schedule(**schedule)), self.clock.now())


def test_a_new_stream_on_an_interval_is_due_at_once_and_then_once_an_interval() -> None:
    office = Office()
    office.apply("a", every="5m")
    scheduler = office.scheduler()
    counts = []
    for _ in range(5):
        scheduler.sync()
        counts.append(len(office.dispatched))
        office.clock.advance(150)
    assert counts == [1, 1, 2, 2, 3]


def test_a_paused_stream_is_due_once_when_it_is_resumed() -> None:
    office = Office()
    office.apply("a", every="5m")
    office.store.set_paused("a", True, office.clock.now(), "ada")
    scheduler = office.scheduler()
    counts = []
    for step in range(4):
        if step == 3:
            office.store.set_paused("a", False, office.clock.now(), "ada")
        scheduler.sync()
        counts.append(len(office.dispatched))
        office.clock.advance(300)
    assert counts == [0, 0, 0, 1]


def test_a_new_stream_on_a_crontab_waits_for_its_time_of_day() -> None:
    office = Office()
    office.apply("a", cron="0 3 * * *")
    scheduler = office.scheduler()
    scheduler.sync()
    assert office.dispatched == []
    office.clock.advance(15 * HOUR_S)
    scheduler.sync()
    assert office.dispatched == ["a"]


@pytest.mark.parametrize("schedule", [{"every": "5m"}, {"cron": "*/5 * * * *"}])
def test_after_downtime_missed_ticks_count_as_one(schedule: dict[str, str]) -> None:
    office = Office()
    office.apply("a", **schedule)
    office.clock.advance(300)
    office.scheduler().sync()
    office.clock.advance(30 * DAY_S)
    restarted = office.scheduler()
    restarted.sync()
    restarted.sync()
    assert office.dispatched == ["a", "a"]


def test_a_tick_is_claimed_once_over_any_number_of_schedulers() -> None:
    office = Office()
    office.apply("a", every="5m")
    schedulers = [office.scheduler() for _ in range(8)]
    for ticks in range(1, 6):
        ready = threading.Barrier(len(schedulers))

        def follow(scheduler: Scheduler, ready: threading.Barrier = ready) -> None:
            ready.wait()
            scheduler.sync()

        threads = [threading.Thread(target=follow, args=(scheduler,)) for scheduler in schedulers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert office.dispatched == ["a"] * ticks
        office.clock.advance(300)


def test_a_changed_schedule_counts_from_the_next_look() -> None:
    office = Office()
    office.apply("a", every="2d")
    scheduler = office.scheduler()
    scheduler.sync()
    office.apply("a", every="1m")
    office.clock.advance(60)
    scheduler.sync()
    assert office.dispatched == ["a", "a"]


def test_a_deleted_stream_is_forgotten() -> None:
    office = Office()
    office.apply("a", every="1m")
    office.apply("b", every="1m")
    scheduler = office.scheduler()
    scheduler.sync()
    office.store.delete("a")
    office.clock.advance(60)
    scheduler.sync()
    assert office.dispatched == ["a", "b", "b"]


def test_one_stream_that_cannot_be_scheduled_does_not_stop_the_others() -> None:
    office = Office()
    office.apply("broken", cron="0 0 * * nonsense")
    office.apply("sound", every="1m")
    office.scheduler().sync()
    assert office.dispatched == ["sound"]
    assert "broken" in office.complaints[0]
    assert "nonsense" in office.complaints[0]


class AwayStore(MemoryStore):
    """A database that is away until told otherwise."""

    away = True

    def stream_schedules(self) -> Sequence[StreamSchedule]:
        if self.away:
            raise ConnectionError("no route to database")
        return super().stream_schedules()


def test_a_database_that_is_away_is_asked_again() -> None:
    office = Office()
    store = AwayStore()
    store.apply(job("a", Schedule(every="5m")), office.clock.now())
    scheduler = office.scheduler(store=store)
    scheduler.sync()
    assert office.complaints == ["the database: no route to database"]
    assert office.recoveries == []
    store.away = False
    office.clock.advance(20 * 60)
    scheduler.sync()
    assert office.dispatched == ["a"]
    assert "the database" in office.recoveries


def test_a_running_scheduler_notices_a_stream_that_comes_later() -> None:
    office = Office()
    noticed = threading.Event()
    scheduler = Scheduler(
        office.store,
        office.clock,
        lambda _: noticed.set(),
        poll_s=0.02,
        on_error=lambda subject, reason: office.complaints.append(f"{subject}: {reason}"),
    )
    scheduler.start()
    try:
        office.apply("late", every="5m")
        assert noticed.wait(10)
    finally:
        scheduler.stop()
    assert office.complaints == []


def test_a_clock_set_back_claims_nothing_twice() -> None:
    office = Office()
    office.apply("a", every="5m")
    office.scheduler().sync()
    office.clock = ManualClock(office.clock.now().replace(hour=11))
    office.scheduler().sync()
    assert office.dispatched == ["a"]


class CountingStore(MemoryStore):
    """Counts how often a scheduler looks."""

    looks = 0

    def stream_schedules(self) -> Sequence[StreamSchedule]:
        self.looks += 1
        return super().stream_schedules()


def test_schedules_that_come_due_together_are_looked_at_once() -> None:
    office = Office()
    store = CountingStore()
    for minutes in (1, 2, 3):
        for name in ("a", "b"):
            schedule = Schedule(every=f"{minutes}m")
            store.apply(job(f"{name}{minutes}", schedule), office.clock.now())
    scheduler = office.scheduler(store)
    scheduler.sync()
    assert len(scheduler._timer.get_jobs()) == 3  # one a schedule, not one a stream

    office.clock.advance(6 * 60)
    for timer_job in scheduler._timer.get_jobs():
        timer_job.func(*timer_job.args)

    assert store.looks == 2
    assert len(office.dispatched) == 12


def test_the_trigger_of_a_schedule_ends_with_its_last_stream() -> None:
    office = Office()
    office.apply("a", every="1m")
    office.apply("b", every="1m")
    scheduler = office.scheduler()
    counts = []
    for name in ("a", "b"):
        scheduler.sync()
        counts.append(len(scheduler._timer.get_jobs()))
        office.store.delete(name)
    scheduler.sync()
    assert [*counts, len(scheduler._timer.get_jobs())] == [1, 1, 0]
