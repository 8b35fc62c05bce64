"""Compares this computer's clock with the database: leases and ticks depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from growlearn.app.doctor.context import StoreContext
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding, warning_finding

_HINT = "synchronize this clock: timedatectl set-ntp true"
_TOLERANCE = timedelta(seconds=2)


def clock(context: StoreContext) -> Iterator[Finding]:
    """Whether now is aware UTC, later than all stored times, and close to the server's clock."""
    now = context.clock.now()
    if now.utcoffset() != timedelta(0):
        yield error_finding(
            "clock", f"the time of day {now.isoformat()} is not aware UTC", "report this as a defect"
        )
        return
    findings = [
        finding
        for finding in (_check_future_records(context, now), _check_server_clock(context))
        if finding is not None
    ]
    yield from findings or [
        ok_finding("clock", f"it is {now:%A %Y-%m-%d %H:%M:%S} UTC, later than all records")
    ]


def _check_future_records(context: StoreContext, now: datetime) -> Finding | None:
    """A stored time in the future: this clock was set back, or another worker's clock is fast."""
    from growlearn.adapters.db.health import find_latest_timestamp

    newest = find_latest_timestamp(context.engine)
    if newest is None or newest[0] <= now + _TOLERANCE:
        return None
    at, column = newest
    message = (
        f"{column} holds {at:%Y-%m-%d %H:%M:%S} UTC, but it is only {now:%Y-%m-%d %H:%M:%S} UTC: this clock "
        "was set back, or that of another worker is fast; until then some ticks and leases may wait"
    )
    return error_finding("clock", message, _HINT)


def _check_server_clock(context: StoreContext) -> Finding | None:
    """A server whose clock differs from ours by more than the query takes."""
    from growlearn.adapters.db.health import get_server_time

    before = context.clock.now()
    server_now = get_server_time(context.engine)
    after = context.clock.now()
    if server_now is None:
        return None
    skew = max(before - server_now, server_now - after)
    if skew <= _TOLERANCE:
        return None
    message = f"this clock and the database server's are {skew.total_seconds():.1f} s apart"
    if skew.total_seconds() < context.settings.lease_s / 2:
        return warning_finding("clock", message, _HINT)
    lease = f"{context.settings.lease_s:g} s"
    return error_finding(
        "clock", f"{message}; a lease lasts {lease}, so workers may take each other's windows", _HINT
    )
