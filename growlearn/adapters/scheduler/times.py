"""When a schedule is due: the same times for every scheduler, also after restarts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from growlearn.adapters.scheduler.crontab import iterate_due_times
from growlearn.domain.errors import JobError
from growlearn.domain.job import Schedule

INTERVAL_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
"""Intervals are counted from here, so that any number of schedulers compute the same due times."""

_MIN_INTERVAL_S = 0.1
_TIME_RESOLUTION = timedelta(microseconds=1)


def next_fire_times(schedule: Schedule, now: datetime, n: int) -> tuple[datetime, ...]:
    """The next n due times after `now`; raises JobError where none will ever come (31 February)."""
    if schedule.cron is not None:
        due_times = iterate_due_times(schedule.cron, now)
        return tuple(next(due_times) for _ in range(n))
    interval = _get_interval(schedule)
    num_elapsed = (now - INTERVAL_EPOCH) // interval
    return tuple(INTERVAL_EPOCH + interval * (num_elapsed + 1 + i) for i in range(n))


def find_latest_due(schedule: Schedule, now: datetime) -> datetime:
    """The last due time until `now`; raises JobError where none will ever come."""
    if schedule.cron is not None:
        return next(iterate_due_times(schedule.cron, now + _TIME_RESOLUTION, reverse=True))
    interval = _get_interval(schedule)
    return INTERVAL_EPOCH + interval * ((now - INTERVAL_EPOCH) // interval)


def _get_interval(schedule: Schedule) -> timedelta:
    if schedule.every_s < _MIN_INTERVAL_S:
        raise JobError(f"every: {schedule.every} is too short", hint=f"give {_MIN_INTERVAL_S}s or more")
    return timedelta(seconds=schedule.every_s)
