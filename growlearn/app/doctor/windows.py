"""Windows that stand still: left by a worker that died, or failing again and again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from growlearn.app.doctor.finding import Finding, counted, ok, warning
from growlearn.app.doctor.premises import Record

if TYPE_CHECKING:
    from growlearn.adapters.db.condition import Halted


def windows(record: Record) -> Iterator[Finding]:
    """Every unfinished window whose lease has run out, or whose failures were counted."""
    from growlearn.adapters.db.condition import halted

    now = record.clock.now()
    still = halted(record.engine, now)
    for window in still:
        yield _told(window, now)
    if not still:
        pending = sum(record.store.count_pending(stream.name) for stream in record.store.streams())
        yield ok("windows", f"{counted(pending, 'window')} to be handled, none is stuck")


def _told(window: Halted, now: datetime) -> Finding:
    who = f"window {window.window} of stream {window.stream!r} ({window.state})"
    again = f"run: growlearn up, or growlearn run {window.stream}"
    troubles = []
    if window.lease_until is not None and window.lease_until <= now:
        troubles.append(
            f"was left by worker {window.owner!r}, whose lease ran out at {_time(window.lease_until)}"
        )
    if window.failures:
        troubles.append(f"has failed {counted(window.failures, 'time')}, last for: {window.reason}")
        again = f"mend what the reason names; it is tried again by the next worker; {again}"
    return warning("windows", f"{who} {' and '.join(troubles)}", again)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
