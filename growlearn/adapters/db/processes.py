"""Heartbeats of the processes that serve the streams."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.exc import IntegrityError

from growlearn.adapters.db.mapping import select_all, to_row
from growlearn.adapters.db.tables import ProcessRow
from growlearn.domain.process import PROCESS_RETENTION, ProcessRecord


def record_heartbeat(connection: Connection, process: ProcessRecord) -> None:
    """Store a process as it is now, and remove those that have been silent for a day."""
    statement = update(ProcessRow).where(ProcessRow.id == process.id).values(to_row(process))
    if connection.execute(statement).rowcount == 0:
        try:
            with connection.begin_nested():
                connection.execute(insert(ProcessRow).values(to_row(process)))
        except IntegrityError:  # another thread of the process was faster
            connection.execute(statement)
    silent = ProcessRow.heartbeat_at < process.heartbeat_at - PROCESS_RETENTION
    connection.execute(delete(ProcessRow).where(silent))


def remove_process(connection: Connection, process_id: str) -> None:
    """Remove a process that ended; nothing happens where it is not there."""
    connection.execute(delete(ProcessRow).where(ProcessRow.id == process_id))


def list_processes(connection: Connection) -> Sequence[ProcessRecord]:
    """All processes in the order of their starts."""
    processes = select_all(connection, ProcessRecord, ProcessRow, ProcessRow.started_at)
    return tuple(sorted(processes, key=lambda process: (process.started_at, process.id)))
