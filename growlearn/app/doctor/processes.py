"""Checks that a scheduler and a worker run where streams rely on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from growlearn.app.doctor.context import StoreContext
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, pluralize, warning_finding
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.process import ProcessKind, ProcessRecord, is_any_alive
from growlearn.domain.stream_overview import StreamSchedule

_MAX_MISSED = 1000
_HINT = "run: growlearn up"


def processes(context: StoreContext) -> Iterator[Finding]:
    """Every process that runs; those that vanished; and what nobody does where none runs.

    Streams that never had a tick are handled by `growlearn run`: they need neither scheduler nor worker.
    """
    now, known = context.clock.now(), context.store.processes()
    schedules = context.store.stream_schedules()
    for process in known:
        yield _process_finding(process, now)
    is_served = any(stream.last_tick is not None for stream in schedules)
    if not is_served and not known:
        yield ok_finding(
            "processes", "no scheduler or worker was ever started: growlearn run does their work"
        )
        return
    if not is_any_alive(known, ProcessKind.SCHEDULER, now):
        yield _no_scheduler_finding(schedules, now)
    if not is_any_alive(known, ProcessKind.WORKER, now):
        pending = sum(status.pending for status in context.store.stream_statuses(now))
        yield error_finding("processes", f"no worker runs; {pluralize(pending, 'window')} pending", _HINT)


def _process_finding(process: ProcessRecord, now: datetime) -> Finding:
    subject = f"{process.kind} on {process.host}, pid {process.pid}, growlearn {process.version}"
    if process.is_alive(now):
        return ok_finding("processes", f"{subject}, runs since {_format_time(process.started_at)}")
    return warning_finding(
        "processes",
        f"{subject}, was last seen at {_format_time(process.heartbeat_at)} and did not end in order",
        "start it again, or look at its log; it is forgotten after a day",
    )


def _no_scheduler_finding(schedules: Sequence[StreamSchedule], now: datetime) -> Finding:
    missed = sum(_count_missed(stream, now) for stream in schedules)
    return error_finding(
        "processes",
        f"no scheduler runs: nobody looks for new files; {pluralize(missed, 'tick')} missed",
        _HINT,
    )


def _count_missed(stream: StreamSchedule, now: datetime) -> int:
    """How many due times have passed since the last tick; at most a thousand are counted."""
    from growlearn.adapters.scheduler.times import next_fire_times

    count, since = 0, stream.last_tick or stream.created_at
    try:
        while count < _MAX_MISSED:
            (since,) = next_fire_times(stream.schedule, since, 1)
            if since > now:
                break
            count += 1
    except GrowLearnError:  # the schedules check reports it
        pass
    return count


def _format_time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
