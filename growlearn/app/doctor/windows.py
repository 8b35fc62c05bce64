"""Checks for stuck windows: left by a worker that died, or failing repeatedly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from growlearn.app.doctor.context import StoreContext
from growlearn.app.doctor.finding import Finding, ok_finding, pluralize, warning_finding

if TYPE_CHECKING:
    from growlearn.adapters.db.health import StuckWindow


def windows(context: StoreContext) -> Iterator[Finding]:
    """Every unfinished window whose lease has expired, or that has failed."""
    from growlearn.adapters.db.health import list_stuck_windows

    now = context.clock.now()
    stuck = list_stuck_windows(context.engine, now)
    for window in stuck:
        yield _stuck_window_finding(window, now)
    if not stuck:
        pending = sum(status.pending for status in context.store.stream_statuses(now))
        yield ok_finding("windows", f"{pluralize(pending, 'window')} pending, none is stuck")


def _stuck_window_finding(window: StuckWindow, now: datetime) -> Finding:
    subject = f"window {window.window} of stream {window.stream!r} ({window.state})"
    hint = f"run: growlearn up, or growlearn run {window.stream}"
    problems = []
    if window.lease_until is not None and window.lease_until <= now:
        expired_at = f"{window.lease_until:%Y-%m-%d %H:%M:%S} UTC"
        problems.append(f"was left by worker {window.owner!r}, whose lease expired at {expired_at}")
    if window.failures:
        problems.append(f"has failed {pluralize(window.failures, 'time')}, last reason: {window.reason}")
        hint = f"fix what the reason names; the next worker tries again; {hint}"
    return warning_finding("windows", f"{subject} {' and '.join(problems)}", hint)
