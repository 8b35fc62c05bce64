"""When every stream is looked at next, in words: a crontab that means something else shows at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from growlearn.app.doctor.finding import Finding, ok, warning, wrong
from growlearn.app.doctor.premises import Record
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import Schedule

_TIMES = 3


def schedules(record: Record) -> Iterator[Finding]:
    """The next three due times of every stream."""
    from growlearn.adapters.scheduler.times import next_fire_times

    now = record.clock.now()
    streams = record.store.streams()
    zone = "; the zone here is UTC" if _is_utc(now) else ""
    for stream in streams:
        schedule = stream.job.schedule
        try:
            times = next_fire_times(schedule, now, _TIMES)
        except GrowLearnError as error:
            cure = f"{error.cure}, then run: growlearn apply JOB.yaml"
            yield wrong("schedules", f"stream {stream.name!r} is never looked at: {error.what}", cure)
        else:
            due = "; ".join(map(moment, times))
            yield ok("schedules", f"stream {stream.name!r}, {_words(schedule)}, next on {due}{zone}")
    if not streams:
        yield warning(
            "schedules", "there are no streams yet", "run: growlearn init DATA, or growlearn apply JOB.yaml"
        )


def _words(schedule: Schedule) -> str:
    return f"every {schedule.every or '5m'}" if schedule.cron is None else f"cron {schedule.cron!r} in UTC"


def moment(at: datetime) -> str:
    """A due time with its weekday, in UTC and, where that differs, in this computer's zone."""
    said = f"{at.astimezone(UTC):%A %Y-%m-%d %H:%M:%S} UTC"
    return said if _is_utc(at) else f"{said} ({at.astimezone():%A %Y-%m-%d %H:%M:%S %Z} here)"


def _is_utc(at: datetime) -> bool:
    """Whether the zone of this computer is UTC itself, not one that happens to agree with it at this time."""
    return at.astimezone().tzname() == "UTC"
