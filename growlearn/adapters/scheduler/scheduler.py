"""The running scheduler: APScheduler wakes it, the record decides, a callback is told.

Nothing is kept in APScheduler's job stores: a persistent one would pickle jobs, drop those it cannot
restore and only log its errors. The triggers are rebuilt from the stored streams, and each look at
them also claims whatever is due, so that a tick missed by a sleeping machine or a database that was
away is caught up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from growlearn.adapters.scheduler.tick import claim_due
from growlearn.adapters.scheduler.times import trigger_of
from growlearn.domain.job import Schedule
from growlearn.domain.stream import Stream
from growlearn.ports import Clock, Store

Dispatch = Callable[[str], None]
"""Takes the name of a stream that is due; must return at once."""

_FOLLOW = "follow the streams"


class Scheduler:
    """Tells `dispatch` each due stream once, over any number of schedulers on one record.

    `complain` is told of trouble, such as a database that is away; it is tried again every
    `poll_s` seconds.
    """

    def __init__(
        self, store: Store, clock: Clock, dispatch: Dispatch, *, name: str, poll_s: float, complain: Dispatch
    ) -> None:
        self._store = store
        self._clock = clock
        self._dispatch = dispatch
        self._name = name
        self._poll_s = poll_s
        self._complain = complain
        self._schedules: dict[str, Schedule] = {}
        self._one_at_a_time = threading.Lock()
        self._timer = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )

    def start(self) -> None:
        """Follow the stored streams from now on, in a thread of its own."""
        self.follow()
        self._timer.add_job(self.follow, "interval", seconds=self._poll_s, id=_FOLLOW)
        self._timer.start()

    def stop(self) -> None:
        """Dispatch nothing more."""
        self._timer.shutdown(wait=True)

    def follow(self) -> None:
        """Rebuild the triggers that changed and dispatch every stream that is due."""
        with self._one_at_a_time:
            try:
                streams = self._store.streams()
            except Exception as error:  # a database that is away must not end the scheduler
                self._complain(f"cannot read the streams: {error}")
                return
            self._forget_all_but({stream.name for stream in streams})
            for stream in streams:
                self._guarded(stream)

    def _guarded(self, stream: Stream) -> None:
        try:
            self._keep_trigger(stream)
            if claim_due(stream, self._store, self._clock.now(), self._name):
                self._dispatch(stream.name)
        except Exception as error:  # one stream's trouble is not the others'
            self._complain(f"stream {stream.name!r} could not be scheduled: {error}")

    def _keep_trigger(self, stream: Stream) -> None:
        schedule = stream.job.schedule
        if self._schedules.get(stream.name) == schedule:
            return
        self._timer.add_job(self.follow, trigger_of(schedule), id=_job_id(stream.name), replace_existing=True)
        self._schedules[stream.name] = schedule

    def _forget_all_but(self, names: set[str]) -> None:
        for name in [known for known in self._schedules if known not in names]:
            self._timer.remove_job(_job_id(name))
            del self._schedules[name]


def _job_id(stream: str) -> str:
    return f"stream {stream}"
