"""A process that serves the streams, as the record knows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

HEARTBEAT_INTERVAL_S = 5.0
"""How often a process says that it runs."""

LOST_AFTER = timedelta(seconds=30)
"""A process that was silent for so long is taken for dead, or cut off from the database."""

PROCESS_RETENTION = timedelta(days=1)
"""How long a process that did not end in order is remembered."""


class ProcessKind(StrEnum):
    """What a process does; `up` is scheduler, worker and API together."""

    SCHEDULER = "scheduler"
    WORKER = "worker"
    API = "api"
    UP = "up"


@dataclass(frozen=True, kw_only=True)
class ProcessRecord:
    """One process since its start; it removes its record as it ends in order.

    `next_look_at` is when it looks at the database again to find work; None where it does not look for any.
    """

    id: str
    kind: ProcessKind
    host: str
    pid: int
    version: str
    started_at: datetime
    heartbeat_at: datetime
    next_look_at: datetime | None = None

    def is_alive(self, now: datetime) -> bool:
        """Whether its last heartbeat is recent."""
        return now - self.heartbeat_at < LOST_AFTER


def is_any_alive(processes: Iterable[ProcessRecord], kind: ProcessKind, now: datetime) -> bool:
    """Whether a process of that kind, or one that contains it, runs."""
    return any(process.kind in (kind, ProcessKind.UP) and process.is_alive(now) for process in processes)
