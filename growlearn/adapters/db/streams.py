"""Streams, their ticks, and what became of their files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from growlearn.adapters.db.mapping import all_of, lock, read, unknown_stream
from growlearn.adapters.db.tables import SourceFileRow, StreamRow, TickRow
from growlearn.domain.job import Job
from growlearn.domain.stream import Stream
from growlearn.domain.window import SeenFile

_TICKS_KEPT = timedelta(days=7)
_STREAM = (
    StreamRow.job,
    StreamRow.created_at,
    StreamRow.updated_at,
    StreamRow.champion,
    StreamRow.challenger,
    StreamRow.base,
)


def apply(connection: Connection, job: Job, at: datetime) -> Stream:
    """Create the stream of this job, or give an existing one the new job."""
    if not _give(connection, job, at):
        try:
            with connection.begin_nested():
                connection.execute(
                    insert(StreamRow).values(name=job.name, job=job, created_at=at, updated_at=at)
                )
        except IntegrityError:  # another process has created it since we looked
            _give(connection, job, at)
    return one(connection, job.name)


def _give(connection: Connection, job: Job, at: datetime) -> bool:
    given = update(StreamRow).where(StreamRow.name == job.name).values(job=job, updated_at=at)
    return connection.execute(given).rowcount == 1


def one(connection: Connection, name: str) -> Stream:
    """One stream; raises UnknownName."""
    row = connection.execute(select(*_STREAM).where(StreamRow.name == name)).one_or_none()
    if row is None:
        raise unknown_stream(connection, name)
    return read(Stream, row)


def every(connection: Connection) -> Sequence[Stream]:
    """All streams by name."""
    return tuple(read(Stream, row) for row in connection.execute(select(*_STREAM).order_by(StreamRow.name)))


def forget(connection: Connection, name: str) -> None:
    """Delete a stream; its rows in all tables go with it. Raises UnknownName."""
    if connection.execute(delete(StreamRow).where(StreamRow.name == name)).rowcount == 0:
        raise unknown_stream(connection, name)


def seen(connection: Connection, stream: str) -> Sequence[SeenFile]:
    """Every file taken in, in that order."""
    return all_of(connection, SeenFile, SourceFileRow, SourceFileRow.id, SourceFileRow.stream == stream)


def claim_tick(connection: Connection, stream: str, due_at: datetime, scheduler: str) -> bool:
    """True for the first to ask; False too where the stream is gone."""
    if not lock(connection, stream):
        return False
    taken = select(TickRow.due_at).where(TickRow.stream == stream, TickRow.due_at == due_at)
    if connection.scalar(taken) is not None:
        return False
    connection.execute(insert(TickRow).values(stream=stream, due_at=due_at, scheduler=scheduler))
    old = delete(TickRow).where(TickRow.stream == stream, TickRow.due_at < due_at - _TICKS_KEPT)
    connection.execute(old)
    return True


def last_tick(connection: Connection, stream: str) -> datetime | None:
    """When the latest claimed tick was due."""
    return connection.scalar(select(func.max(TickRow.due_at)).where(TickRow.stream == stream))
