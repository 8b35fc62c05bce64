"""One stream, handled to its end in this process."""

from __future__ import annotations

import threading

from growlearn.app.cli.output import warn
from growlearn.app.cli.progress import reporting
from growlearn.app.composition import cycle_ports
from growlearn.app.stopping import Stopped, until
from growlearn.cycle import RunSummary, run_stream
from growlearn.ports import Ports, Report, Store
from growlearn.settings import Settings

_LOOK_AGAIN_S = 1.0


def run_to_end(name: str, settings: Settings, store: Store, stop: threading.Event) -> RunSummary:
    """Take in and handle all there is, with progress shown; raises Stopped where `stop` was set.

    Windows that another worker holds are waited for: a worker that died loses them when its lease
    has run out.
    """
    ports = cycle_ports(settings, store)
    with reporting() as report:
        return _until_none_pending(name, ports, until(stop, report), stop)


def _until_none_pending(name: str, ports: Ports, report: Report, stop: threading.Event) -> RunSummary:
    summary = run_stream(name, ports, report)
    told = False
    while ports.store.count_pending(name):
        if not told:
            warn(f"another worker holds a window of {name}; waiting for it, or for its lease to run out")
            told = True
        if stop.wait(_LOOK_AGAIN_S):
            raise Stopped
        more = run_stream(name, ports, report)
        summary = RunSummary((*summary.files, *more.files), (*summary.windows, *more.windows))
    return summary
