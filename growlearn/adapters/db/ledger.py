"""The decision ledger: written in the transaction of what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select

from growlearn import __version__
from growlearn.adapters.db.mapping import all_of, values
from growlearn.adapters.db.tables import LedgerRow, StreamRow
from growlearn.domain.job import Job
from growlearn.domain.ledger import Entry, configuration_of, entry_of_job, entry_of_moves, entry_of_step
from growlearn.domain.stream import AliasMove, Transition


def write_step(connection: Connection, step: Transition) -> None:
    """Write a window's move."""
    _write(connection, entry_of_step(step, _job(connection, step.stream), __version__))


def write_job(connection: Connection, job: Job, at: datetime, actor: str) -> None:
    """Write that a stream was given a job, unless it had the same one."""
    latest = (
        select(LedgerRow.configuration)
        .where(LedgerRow.stream == job.name, LedgerRow.job.is_not(None))
        .order_by(LedgerRow.serial.desc())
        .limit(1)
    )
    if connection.scalar(latest) != configuration_of(job):
        _write(connection, entry_of_job(job, at, actor, __version__))


def write_moves(connection: Connection, stream: str, moves: Sequence[AliasMove]) -> None:
    """Write what a person moved."""
    if moves:
        _write(connection, entry_of_moves(tuple(moves), _job(connection, stream), __version__))


def of_stream(connection: Connection, stream: str) -> Sequence[Entry]:
    """Every decision of a stream, oldest first."""
    return all_of(connection, Entry, LedgerRow, LedgerRow.serial, LedgerRow.stream == stream)


def _job(connection: Connection, stream: str) -> Job:
    job = connection.scalar(select(StreamRow.job).where(StreamRow.name == stream))
    assert job is not None, "only a stream that is there has something decided"
    return job


def _write(connection: Connection, entry: Entry) -> None:
    connection.execute(insert(LedgerRow).values(values(entry)))
