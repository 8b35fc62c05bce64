"""Handles one stream in this process until nothing is pending."""

from __future__ import annotations

import threading

from growlearn.app.cli.output import echo_error
from growlearn.app.cli.progress import show_progress
from growlearn.app.composition import build_ports
from growlearn.app.signals import Interrupted, interruptible
from growlearn.domain.errors import LeaseLost
from growlearn.pipeline.context import Ports
from growlearn.pipeline.run import NO_EVENTS, RunEvents, RunSummary, run_stream
from growlearn.ports import ProgressCallback, Store
from growlearn.settings import Settings

_POLL_INTERVAL_S = 1.0


def run_until_idle(
    name: str,
    settings: Settings,
    store: Store,
    stop: threading.Event,
    events: RunEvents = NO_EVENTS,
) -> RunSummary:
    """Ingest and handle all pending data, with progress shown; raises Interrupted where `stop` was set.

    It waits for windows that another worker holds: a worker that died loses them when its lease expires.
    """
    ports = build_ports(settings, store)
    with show_progress() as on_progress:
        return _run_while_pending(name, ports, interruptible(stop, on_progress), stop, events)


def _run_while_pending(
    name: str, ports: Ports, on_progress: ProgressCallback, stop: threading.Event, events: RunEvents
) -> RunSummary:
    summary = _run(name, ports, on_progress, events)
    warned = False
    while ports.store.count_pending(name):
        if not warned:
            echo_error(_describe_wait(name, ports))
            warned = True
        if stop.wait(_POLL_INTERVAL_S):
            raise Interrupted
        more = _run(name, ports, on_progress, events)
        summary = RunSummary((*summary.files, *more.files), (*summary.windows, *more.windows))
    return summary


def _describe_wait(name: str, ports: Ports) -> str:
    if ports.store.has_active_lease(name, ports.clock.now()):
        return f"another worker holds a window of {name}; waiting for it, or for its lease to expire"
    return (
        f"workers handle {ports.max_concurrent_windows} windows, as many as GROWLEARN_MAX_CONCURRENT_WINDOWS"
        f" allows; {name} waits for one to end"
    )


def _run(name: str, ports: Ports, on_progress: ProgressCallback, events: RunEvents) -> RunSummary:
    """One run; nothing where its window was taken over. Raises NotFound where the stream was deleted."""
    try:
        return run_stream(name, ports, on_progress, events)
    except LeaseLost as error:
        ports.store.stream(name)
        echo_error(str(error))
        return RunSummary((), ())
