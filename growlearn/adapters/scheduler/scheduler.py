"""The running scheduler: APScheduler triggers it, the store decides, a callback is called.

Nothing is stored in APScheduler's job stores: a persistent one would pickle jobs, drop those it cannot
restore and only log its errors. The triggers are rebuilt from the stored streams, and each rebuild
also claims whatever is due, so that a tick missed by a sleeping machine or an unreachable database is
caught up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from growlearn.adapters.scheduler.tick import claim_due_tick
from growlearn.adapters.scheduler.times import next_fire_times
from growlearn.domain.job import Schedule
from growlearn.domain.stream import Stream
from growlearn.ports import Clock, Store

Dispatch = Callable[[str], None]
"""Takes the name of a stream that is due; must return at once."""

_SYNC_JOB_ID = "sync streams"


class _Trigger(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
    """Fires at a schedule's due times."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:  # noqa: ARG002
        """The next due time after `now`; `sync` catches up missed ones."""
        return next_fire_times(self._schedule, now, 1)[0]


class Scheduler:
    """Calls `dispatch` once per due stream, over any number of schedulers on one store.

    `on_error` is called with errors, such as an unreachable database; the next try is `poll_s` seconds
    later.
    """

    def __init__(
        self, store: Store, clock: Clock, dispatch: Dispatch, *, poll_s: float, on_error: Dispatch
    ) -> None:
        self._store = store
        self._clock = clock
        self._dispatch = dispatch
        self._poll_s = poll_s
        self._on_error = on_error
        self._schedules: dict[str, Schedule] = {}
        self._sync_lock = threading.Lock()
        self._timer = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )

    def start(self) -> None:
        """Sync with the stored streams from now on, in a thread of its own."""
        self.sync()
        self._timer.add_job(self.sync, "interval", seconds=self._poll_s, id=_SYNC_JOB_ID)
        self._timer.start()

    def stop(self) -> None:
        """Dispatch nothing more."""
        self._timer.shutdown(wait=True)

    def sync(self) -> None:
        """Rebuild the triggers that changed and dispatch every stream that is due."""
        with self._sync_lock:
            try:
                streams = self._store.streams()
            except Exception as error:  # an unreachable database must not end the scheduler
                self._on_error(f"cannot read the streams: {error}")
                return
            self._remove_all_except({stream.name for stream in streams})
            for stream in streams:
                self._dispatch_if_due(stream)

    def _dispatch_if_due(self, stream: Stream) -> None:
        try:
            self._update_trigger(stream)
            if claim_due_tick(stream, self._store, self._clock.now()):
                self._dispatch(stream.name)
        except Exception as error:  # one stream's error must not affect the others
            self._on_error(f"stream {stream.name!r} could not be scheduled: {error}")

    def _update_trigger(self, stream: Stream) -> None:
        schedule = stream.job.schedule
        if self._schedules.get(stream.name) == schedule:
            return
        next_fire_times(schedule, self._clock.now(), 1)  # raises JobError before the trigger is stored
        self._timer.add_job(
            self.sync, _Trigger(schedule), id=_make_job_id(stream.name), replace_existing=True
        )
        self._schedules[stream.name] = schedule

    def _remove_all_except(self, names: set[str]) -> None:
        for name in [known for known in self._schedules if known not in names]:
            self._timer.remove_job(_make_job_id(name))
            del self._schedules[name]


def _make_job_id(stream: str) -> str:
    return f"stream {stream}"
