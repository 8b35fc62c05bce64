"""Shows the next due times of every stream with weekdays, so that a wrong crontab line is visible."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from growlearn.app.doctor.context import StoreContext
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, warning_finding
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.job import Schedule

_NUM_TIMES = 3


def schedules(context: StoreContext) -> Iterator[Finding]:
    """The next three due times of every stream."""
    from growlearn.adapters.scheduler.times import next_fire_times

    now = context.clock.now()
    streams = context.store.streams()
    zone = "; the local time zone is UTC" if _is_utc(now) else ""
    for stream in streams:
        schedule = stream.job.schedule
        try:
            times = next_fire_times(schedule, now, _NUM_TIMES)
        except GrowLearnError as error:
            hint = f"{error.hint}, then run: growlearn apply JOB.yaml"
            yield error_finding("schedules", f"stream {stream.name!r} is never due: {error.message}", hint)
        else:
            due = "; ".join(map(format_due_time, times))
            yield ok_finding(
                "schedules", f"stream {stream.name!r}, {_describe_schedule(schedule)}, next on {due}{zone}"
            )
    if not streams:
        yield warning_finding(
            "schedules", "there are no streams yet", "run: growlearn init DATA, or growlearn apply JOB.yaml"
        )


def _describe_schedule(schedule: Schedule) -> str:
    return f"every {schedule.every or '5m'}" if schedule.cron is None else f"cron {schedule.cron!r} in UTC"


def format_due_time(at: datetime) -> str:
    """A due time with its weekday, in UTC and, where that differs, in local time."""
    text = f"{at.astimezone(UTC):%A %Y-%m-%d %H:%M:%S} UTC"
    return text if _is_utc(at) else f"{text} ({at.astimezone():%A %Y-%m-%d %H:%M:%S %Z} local time)"


def _is_utc(at: datetime) -> bool:
    """Whether the local time zone is UTC itself, not one with the same offset at this time."""
    return at.astimezone().tzname() == "UTC"
