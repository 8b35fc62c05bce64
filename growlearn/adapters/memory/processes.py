"""Heartbeats of the processes that serve the streams, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.process import PROCESS_RETENTION, ProcessRecord


class ProcessTable:
    """The processes by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, ProcessRecord] = {}

    def update(self, process: ProcessRecord) -> None:
        """Store a process as it is now, and remove those that have been silent for a day."""
        known = {**self._by_id, process.id: process}
        oldest = process.heartbeat_at - PROCESS_RETENTION
        self._by_id = {name: item for name, item in known.items() if item.heartbeat_at >= oldest}

    def remove(self, process_id: str) -> None:
        """Remove a process that ended; nothing happens where it is not there."""
        self._by_id.pop(process_id, None)

    def list_all(self) -> Sequence[ProcessRecord]:
        """All processes in the order of their starts."""
        return tuple(sorted(self._by_id.values(), key=lambda process: (process.started_at, process.id)))
