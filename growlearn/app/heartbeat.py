"""Tells the record that this process runs, for as long as it does."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from growlearn import __version__
from growlearn.domain.process import HEARTBEAT_INTERVAL_S, ProcessKind, ProcessRecord
from growlearn.pipeline.periodic import repeat_in_thread
from growlearn.ports import Clock, Store


@contextmanager
def keep_heartbeat(
    store: Store,
    clock: Clock,
    kind: ProcessKind,
    look_s: float | None,
    interval_s: float = HEARTBEAT_INTERVAL_S,
) -> Iterator[None]:
    """Write a heartbeat every `interval_s` seconds from a thread; the record is removed at the end.

    `look_s` says how often the process looks for work; None: it does not. A database that is away is left to
    those who need it to report.
    """
    started_at = clock.now()
    host, pid = socket.gethostname(), os.getpid()
    process_id = f"{kind}-{host}-{pid}-{started_at.timestamp():.6f}"

    def beat() -> bool:
        now = clock.now()
        next_look_at: datetime | None = None if look_s is None else now + timedelta(seconds=look_s)
        process = ProcessRecord(
            id=process_id,
            kind=kind,
            host=host,
            pid=pid,
            version=__version__,
            started_at=started_at,
            heartbeat_at=now,
            next_look_at=next_look_at,
        )
        with suppress(Exception):
            store.record_heartbeat(process)
        return True

    beat()
    try:
        with repeat_in_thread(beat, interval_s, "heartbeat"):
            yield
    finally:
        with suppress(Exception):
            store.remove_process(process_id)
