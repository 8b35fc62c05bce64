"""Which streams are due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from growlearn.adapters.scheduler.times import find_latest_due
from growlearn.domain.job import Schedule
from growlearn.domain.stream_overview import StreamSchedule

OnError = Callable[[str, str], None]
"""Takes the name of what failed, and the reason."""


def find_due_ticks(
    streams: Iterable[StreamSchedule], now: datetime, on_error: OnError
) -> Mapping[str, datetime]:
    """The tick of every stream that is due, by name; `on_error` hears of one that cannot be scheduled.

    After downtime the missed ticks count as one. A stream that never ticked is due at once on an
    interval, and on a crontab line from its creation on, because that sets times of day. A paused stream is
    never due; its ticks count as missed.
    """
    latest: dict[Schedule, datetime] = {}  # streams share few schedules, and a crontab line costs to read
    due = {}
    for stream in streams:
        if stream.is_paused:
            continue
        try:
            if stream.schedule not in latest:
                latest[stream.schedule] = find_latest_due(stream.schedule, now)
        except Exception as error:  # one stream's error must not affect the others
            on_error(f"the schedule of stream {stream.name!r}", str(error))
            continue
        if latest[stream.schedule] > _last_handled(stream, now):
            due[stream.name] = latest[stream.schedule]
    return due


def _last_handled(stream: StreamSchedule, now: datetime) -> datetime:
    if stream.last_tick is not None:
        return stream.last_tick
    if stream.schedule.cron is not None:
        return stream.created_at
    return min(stream.created_at, now) - timedelta(seconds=stream.schedule.every_s)
