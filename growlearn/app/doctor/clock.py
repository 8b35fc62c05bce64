"""The clock of this computer against the record and the database server's: leases and ticks go by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from growlearn.app.doctor.finding import Finding, ok, warning, wrong
from growlearn.app.doctor.premises import Record

_CURE = "set this clock right and keep it so: timedatectl set-ntp true"
_TOLERATED = timedelta(seconds=2)


def clock(record: Record) -> Iterator[Finding]:
    """Whether now is aware UTC, later than all that is recorded, and what the server says."""
    now = record.clock.now()
    if now.utcoffset() != timedelta(0):
        yield wrong("clock", f"the time of day {now.isoformat()} is not aware UTC", "report this as a defect")
        return
    findings = [each for each in (_ahead(record, now), _apart(record)) if each is not None]
    yield from findings or [ok("clock", f"it is {now:%A %Y-%m-%d %H:%M:%S} UTC, later than all records")]


def _ahead(record: Record, now: datetime) -> Finding | None:
    """A record from the future: this clock was moved back, or another worker's goes wrong."""
    from growlearn.adapters.db.condition import newest_record

    newest = newest_record(record.engine)
    if newest is None or newest[0] <= now + _TOLERATED:
        return None
    at, column = newest
    found = (
        f"{column} holds {at:%Y-%m-%d %H:%M:%S} UTC, but it is only {now:%Y-%m-%d %H:%M:%S} UTC: this clock "
        "was moved back, or that of another worker is fast; until then some ticks and leases may wait"
    )
    return wrong("clock", found, _CURE)


def _apart(record: Record) -> Finding | None:
    """A server whose clock differs from ours by more than asking it takes."""
    from growlearn.adapters.db.condition import server_time

    before = record.clock.now()
    theirs = server_time(record.engine)
    after = record.clock.now()
    if theirs is None:
        return None
    apart = max(before - theirs, theirs - after)
    if apart <= _TOLERATED:
        return None
    found = f"this clock and the database server's are {apart.total_seconds():.1f} s apart"
    if apart.total_seconds() < record.settings.lease_s / 2:
        return warning("clock", found, _CURE)
    lease = f"{record.settings.lease_s:g} s"
    return wrong("clock", f"{found}; a lease lasts {lease}, so that workers may rob each other", _CURE)
