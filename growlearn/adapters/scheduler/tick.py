"""Whether a stream is due, and whether this scheduler claims the tick."""

from __future__ import annotations

from datetime import datetime, timedelta

from growlearn.adapters.scheduler.times import find_latest_due
from growlearn.domain.stream import Stream
from growlearn.ports import Store


def claim_due_tick(stream: Stream, store: Store, now: datetime) -> bool:
    """True for the one scheduler that may dispatch the stream now.

    After downtime the missed ticks count as one. A stream that never ticked is due at once on an
    interval, and on a crontab line from its creation on, because that sets times of day.
    """
    after = store.last_tick(stream.name)
    if after is None:
        after = stream.created_at
        if stream.job.schedule.cron is None:
            after = min(after, now) - timedelta(seconds=stream.job.schedule.every_s)
    due = find_latest_due(stream.job.schedule, after, now)
    return due is not None and store.claim_tick(stream.name, due)
