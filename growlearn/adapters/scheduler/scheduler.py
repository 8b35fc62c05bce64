"""The running scheduler: APScheduler triggers it, the store decides, a callback is called.

Nothing is stored in APScheduler's job stores: a persistent one would pickle jobs, drop those it cannot
restore and only log its errors. The triggers are rebuilt from the stored streams, and each rebuild
also claims whatever is due, so that a tick missed by a sleeping machine or an unreachable database is
caught up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from growlearn.adapters.scheduler.tick import find_due_ticks
from growlearn.adapters.scheduler.times import find_latest_due, next_fire_times
from growlearn.domain.errors import JobError
from growlearn.domain.job import Schedule
from growlearn.domain.stream_overview import StreamSchedule
from growlearn.ports import Clock, Store

Dispatch = Callable[[str], None]
"""Takes the name of a stream that is due; must return at once."""

Report = Callable[[str, str], None]
"""Takes the name of something that failed, and the reason."""

_SYNC_JOB_ID = "sync streams"
_DATABASE = "the database"


class _Trigger(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
    """Fires at a schedule's due times."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:  # noqa: ARG002
        """The next due time after `now`; `sync` catches up missed ones."""
        return next_fire_times(self._schedule, now, 1)[0]


class Scheduler:
    """Calls `dispatch` once per due stream, over any number of schedulers on one store.

    `on_error` is called with what failed, such as the database, and the reason, at every try, `poll_s`
    seconds apart; `on_recovery` with the same after every try that succeeded.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        dispatch: Dispatch,
        *,
        poll_s: float,
        on_error: Report,
        on_recovery: Dispatch = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._dispatch = dispatch
        self._poll_s = poll_s
        self._on_error = on_error
        self._on_recovery = on_recovery
        self._triggered: set[Schedule] = set()
        self._failing: set[str] = set()
        self._synced_at: datetime | None = None
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
            now = self._clock.now()
            try:
                streams = self._store.stream_schedules()
                due = self._find_due_ticks(streams, now)
                claimed = self._store.claim_ticks(due) if due else frozenset()
            except Exception as error:  # an unreachable database must not end the scheduler
                self._on_error(_DATABASE, str(error))
                return
            self._on_recovery(_DATABASE)
            self._synced_at = now
            self._update_triggers({stream.schedule for stream in streams}, now)
            for name in sorted(claimed):
                self._dispatch(name)

    def _find_due_ticks(self, streams: Sequence[StreamSchedule], now: datetime) -> Mapping[str, datetime]:
        failing: set[str] = set()

        def report(subject: str, reason: str) -> None:
            failing.add(subject)
            self._on_error(subject, reason)

        due = find_due_ticks(streams, now, report)
        for subject in sorted(self._failing - failing):
            self._on_recovery(subject)
        self._failing = failing
        return due

    def _sync_if_due(self, schedule: Schedule) -> None:
        """Sync, unless that was done since: many schedules come due at the same moment."""
        with self._sync_lock:
            is_synced = self._synced_at is not None and self._synced_at >= find_latest_due(
                schedule, self._clock.now()
            )
        if not is_synced:
            self.sync()

    def _update_triggers(self, schedules: set[Schedule], now: datetime) -> None:
        """One trigger a schedule, however many streams have it."""
        for schedule in self._triggered - schedules:
            self._timer.remove_job(_make_job_id(schedule))
        added = [schedule for schedule in schedules - self._triggered if _comes_due(schedule, now)]
        for schedule in added:
            self._timer.add_job(
                self._sync_if_due, _Trigger(schedule), args=[schedule], id=_make_job_id(schedule)
            )
        self._triggered = (self._triggered & schedules) | set(added)


def _comes_due(schedule: Schedule, now: datetime) -> bool:
    try:
        next_fire_times(schedule, now, 1)
    except JobError:  # reported with its streams
        return False
    return True


def _make_job_id(schedule: Schedule) -> str:
    return repr(schedule)
