"""What the tracker must learn, kept until it has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, or_, select, update

from growlearn.adapters.db.mapping import values
from growlearn.adapters.db.tables import OutboxRow, StreamRow, VersionRow
from growlearn.domain.stream import Message, PendingMessage, Receipt


def send(connection: Connection, message: Message) -> None:
    """Queue a message, in the transaction of the change it tells of."""
    connection.execute(insert(OutboxRow).values(values(message, attempts=0)))


def pending(connection: Connection, stream: str | None, limit: int) -> Sequence[PendingMessage]:
    """Undelivered messages, oldest first, of one stream or of all."""
    query = select(OutboxRow.id, OutboxRow.stream, OutboxRow.kind, OutboxRow.window, OutboxRow.attempts)
    query = query.where(OutboxRow.delivered_at.is_(None))
    if stream is not None:
        query = query.where(OutboxRow.stream == stream)
    return tuple(
        PendingMessage(
            id=row.id,
            message=Message(stream=row.stream, kind=row.kind, window=row.window),
            attempts=row.attempts,
        )
        for row in connection.execute(query.order_by(OutboxRow.id).limit(limit))
    )


def claim(connection: Connection, stream: str, worker: str, now: datetime, lease_s: float) -> bool:
    """Lease the outbox of a stream unless another worker's lease still runs."""
    free = or_(
        StreamRow.outbox_owner.is_(None), StreamRow.outbox_owner == worker, StreamRow.outbox_until <= now
    )
    leased = update(StreamRow).where(StreamRow.name == stream, free)
    until = now + timedelta(seconds=lease_s)
    return connection.execute(leased.values(outbox_owner=worker, outbox_until=until)).rowcount == 1


def release(connection: Connection, stream: str, worker: str) -> None:
    """Give the lease up; nothing happens where it is not this worker's."""
    held = update(StreamRow).where(StreamRow.name == stream, StreamRow.outbox_owner == worker)
    connection.execute(held.values(outbox_owner=None, outbox_until=None))


def delivered(connection: Connection, message_id: int, receipt: Receipt, at: datetime) -> None:
    """Mark a message delivered; harmless where it is already, or its stream is gone."""
    done = (
        update(OutboxRow)
        .where(OutboxRow.id == message_id, OutboxRow.delivered_at.is_(None))
        .values(delivered_at=at, attempted_at=at, reason=None)
        .returning(OutboxRow.stream, OutboxRow.window)
    )
    row = connection.execute(done).one_or_none()
    if row is None or row.window is None:
        return
    names = {"mlflow_run": receipt.run_id, "mlflow_version": receipt.model_version}
    kept = {name: value for name, value in names.items() if value is not None}
    if kept:
        made = (VersionRow.stream == row.stream, VersionRow.window == row.window)
        connection.execute(update(VersionRow).where(*made).values(kept))


def undelivered(connection: Connection, message_id: int, reason: str, at: datetime) -> None:
    """Count a failed attempt; harmless where the message has been delivered or its stream is gone."""
    failed = update(OutboxRow).where(OutboxRow.id == message_id, OutboxRow.delivered_at.is_(None))
    connection.execute(failed.values(attempts=OutboxRow.attempts + 1, attempted_at=at, reason=reason))
