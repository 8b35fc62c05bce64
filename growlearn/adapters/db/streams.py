"""Streams, their ticks and their ingested files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from growlearn.adapters.db.mapping import from_row, make_stream_not_found, select_all
from growlearn.adapters.db.tables import SourceFileRow, StreamRow, TickRow
from growlearn.domain.job import Job
from growlearn.domain.stream import Stream
from growlearn.domain.window import FileRecord

_TICK_RETENTION = timedelta(days=7)
_TICKS_A_STATEMENT = 1000
_STREAM_COLUMNS = (
    StreamRow.job,
    StreamRow.created_at,
    StreamRow.champion,
    StreamRow.challenger,
    StreamRow.parent_version,
    StreamRow.looked_at,
    StreamRow.paused_at,
)


def upsert_stream(connection: Connection, job: Job, at: datetime) -> Stream:
    """Create the stream of this job, or give an existing one the new job."""
    if not _update_job(connection, job):
        try:
            with connection.begin_nested():
                connection.execute(insert(StreamRow).values(name=job.name, job=job, created_at=at))
        except IntegrityError:  # another process has created it since the update
            _update_job(connection, job)
    return get_stream(connection, job.name)


def _update_job(connection: Connection, job: Job) -> bool:
    statement = update(StreamRow).where(StreamRow.name == job.name).values(job=job)
    return connection.execute(statement).rowcount == 1


def get_stream(connection: Connection, name: str) -> Stream:
    """One stream; raises NotFound."""
    row = connection.execute(select(*_STREAM_COLUMNS).where(StreamRow.name == name)).one_or_none()
    if row is None:
        raise make_stream_not_found(connection, name)
    return from_row(Stream, row)


def list_streams(connection: Connection) -> Sequence[Stream]:
    """All streams by name."""
    return tuple(
        from_row(Stream, row) for row in connection.execute(select(*_STREAM_COLUMNS).order_by(StreamRow.name))
    )


def delete_stream(connection: Connection, name: str) -> None:
    """Delete a stream; its rows in all tables go with it. Raises NotFound."""
    if connection.execute(delete(StreamRow).where(StreamRow.name == name)).rowcount == 0:
        raise make_stream_not_found(connection, name)


def record_look(connection: Connection, name: str, at: datetime) -> None:
    """Store when a stream's source was searched; nothing happens where there is no such stream."""
    connection.execute(update(StreamRow).where(StreamRow.name == name).values(looked_at=at))


def set_paused_at(connection: Connection, name: str, paused_at: datetime | None) -> bool:
    """Pause a stream, or resume it with None; False where it is so already. Raises NotFound."""
    before = StreamRow.paused_at.is_(None) if paused_at is not None else StreamRow.paused_at.is_not(None)
    changed = update(StreamRow).where(StreamRow.name == name, before).values(paused_at=paused_at)
    if connection.execute(changed).rowcount == 1:
        return True
    get_stream(connection, name)
    return False


def list_ingested_files(connection: Connection, stream: str) -> Sequence[FileRecord]:
    """Every ingested file, in order of ingest."""
    return select_all(connection, FileRecord, SourceFileRow, SourceFileRow.id, SourceFileRow.stream == stream)


def claim_ticks(connection: Connection, due: Mapping[str, datetime]) -> frozenset[str]:
    """Claim the ticks of many streams; returns those whose tick nobody else has claimed.

    Streams are locked against deletion alone, so that no tick waits for a window that is being written, and
    always by name, so that two schedulers wait for each other rather than both.
    """
    claimed: set[str] = set()
    names = iter(sorted(due))
    while batch := list(islice(names, _TICKS_A_STATEMENT)):
        claimed |= _claim_ticks(connection, {name: due[name] for name in batch})
    return frozenset(claimed)


def _claim_ticks(connection: Connection, due: Mapping[str, datetime]) -> set[str]:
    query = select(StreamRow.name).where(StreamRow.name.in_(due)).order_by(StreamRow.name)
    names = connection.scalars(query.with_for_update(read=True, key_share=True)).all()
    if not names:
        return set()
    insert_new = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert_new(TickRow).on_conflict_do_nothing().returning(TickRow.stream)
    claimed = set(connection.scalars(statement, [{"stream": name, "due_at": due[name]} for name in names]))
    expired = min(due.values()) - _TICK_RETENTION
    connection.execute(delete(TickRow).where(TickRow.stream.in_(claimed), TickRow.due_at < expired))
    return claimed


def get_last_tick(connection: Connection, stream: str) -> datetime | None:
    """When the latest claimed tick was due."""
    return connection.scalar(select(func.max(TickRow.due_at)).where(TickRow.stream == stream))
