"""When a schedule is due: the same instants for everyone who asks, however often they restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from growlearn.adapters.scheduler.crontab import cron_trigger
from growlearn.domain.errors import JobError
from growlearn.domain.job import Schedule

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
"""Intervals are counted from here, so that any number of schedulers compute the same due times."""

_SHORTEST_S = 0.1
_FIRST_LOOK_BACK = timedelta(minutes=2)
_INSTANT = timedelta(microseconds=1)


def trigger_of(schedule: Schedule) -> BaseTrigger:
    """The APScheduler trigger of a schedule; raises JobError for one that cannot be."""
    if schedule.cron is not None:
        return cron_trigger(schedule.cron)
    return IntervalTrigger(seconds=_every(schedule).total_seconds(), start_date=EPOCH, timezone=UTC)


def next_fire_times(schedule: Schedule, now: datetime, n: int) -> tuple[datetime, ...]:
    """The next n due times after `now`; raises JobError where none will ever come (31 February)."""
    if schedule.cron is None:
        every = _every(schedule)
        passed = (now - EPOCH) // every
        return tuple(EPOCH + every * (passed + 1 + i) for i in range(n))
    trigger = cron_trigger(schedule.cron)
    times: list[datetime] = []
    for _ in range(n):
        due = _after(trigger, times[-1] if times else now)
        if due is None:
            raise JobError(f"cron {schedule.cron!r} never comes due", cure="check its day and month fields")
        times.append(due)
    return tuple(times)


def latest_due(schedule: Schedule, after: datetime, now: datetime) -> datetime | None:
    """The last due time in (after, now], or None: however many were missed, one is left to catch up."""
    if schedule.cron is None:
        every = _every(schedule)
        due = EPOCH + every * ((now - EPOCH) // every)
        return due if due > after else None
    trigger = cron_trigger(schedule.cron)
    look_back = _FIRST_LOOK_BACK
    while True:
        start = max(after, now - look_back)
        last = _last_between(trigger, start, now)
        if last is not None or start == after:
            return last
        look_back *= 4  # so that years of downtime cost a few steps, not every missed tick


def _every(schedule: Schedule) -> timedelta:
    if schedule.every_s < _SHORTEST_S:
        raise JobError(f"every: {schedule.every} is too short", cure=f"give {_SHORTEST_S}s or more")
    return timedelta(seconds=schedule.every_s)


def _last_between(trigger: BaseTrigger, start: datetime, now: datetime) -> datetime | None:
    last = None
    moment = start
    while (due := _after(trigger, moment)) is not None and due <= now:
        last = moment = due
    return last


def _after(trigger: BaseTrigger, moment: datetime) -> datetime | None:
    due: datetime | None = trigger.get_next_fire_time(None, moment + _INSTANT)
    return None if due is None else due.astimezone(UTC)
