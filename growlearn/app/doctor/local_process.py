"""Whether a process of this host runs, by its heartbeat: what a container asks about its own."""

from __future__ import annotations

import socket

from growlearn.app.doctor.context import CheckContext, open_store_context
from growlearn.app.doctor.finding import Finding, error_finding, ok_finding
from growlearn.domain.process import ProcessKind
from growlearn.ports import Clock
from growlearn.settings import Settings


def check_local_process(settings: Settings, clock: Clock, kind: ProcessKind) -> Finding:
    """Well where a process of that kind has written a heartbeat in the last half minute.

    `up` schedules and works itself; its API is a process of its own, with heartbeats of its own.
    """
    kinds = {kind} if kind is ProcessKind.API else {kind, ProcessKind.UP}
    host, now = socket.gethostname(), clock.now()
    with open_store_context(CheckContext(settings=settings, clock=clock)) as context:
        if context is None:
            return error_finding("processes", "the database cannot be read", "growlearn doctor says why")
        known = [
            process for process in context.store.processes() if process.host == host and process.kind in kinds
        ]
    alive = [process for process in known if process.is_alive(now)]
    if alive:
        last = max(process.heartbeat_at for process in alive)
        return ok_finding(
            "processes", f"{kind} on {host}: heartbeat {(now - last).total_seconds():.0f} s ago"
        )
    if known:
        last = max(process.heartbeat_at for process in known)
        return error_finding(
            "processes", f"{kind} on {host} is silent since {last:%Y-%m-%d %H:%M:%S} UTC", None
        )
    return error_finding("processes", f"no {kind} runs on {host}", f"start it: growlearn {kind}")
