"""Messages to the tracker, stored until they are delivered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, insert, or_, select, update

from growlearn.adapters.db.mapping import to_row
from growlearn.adapters.db.tables import OutboxRow, StreamRow, VersionRow
from growlearn.domain.stream import Message, PendingMessage, TrackerIds, UndeliverableMessage

IS_PENDING = and_(OutboxRow.delivered_at.is_(None), OutboxRow.undeliverable_at.is_(None))
"""The condition for messages that are still to be delivered."""


def enqueue_message(connection: Connection, message: Message) -> None:
    """Queue a message, in the transaction of the change it reports."""
    connection.execute(insert(OutboxRow).values(to_row(message, attempts=0)))


def list_pending_messages(connection: Connection, stream: str | None, limit: int) -> Sequence[PendingMessage]:
    """Undelivered messages, oldest first, of one stream or of all."""
    query = select(OutboxRow.id, OutboxRow.stream, OutboxRow.kind, OutboxRow.window, OutboxRow.attempts)
    query = query.where(IS_PENDING)
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


def list_streams_with_messages(connection: Connection) -> Sequence[str]:
    """The streams that have undelivered messages, by name."""
    query = select(OutboxRow.stream).where(IS_PENDING).distinct().order_by(OutboxRow.stream)
    return tuple(connection.scalars(query))


def claim_outbox_lease(
    connection: Connection, stream: str, worker: str, now: datetime, lease_s: float
) -> bool:
    """Lease the outbox of a stream unless another worker's lease still runs."""
    is_free = or_(
        StreamRow.outbox_owner.is_(None), StreamRow.outbox_owner == worker, StreamRow.outbox_until <= now
    )
    statement = update(StreamRow).where(StreamRow.name == stream, is_free)
    until = now + timedelta(seconds=lease_s)
    return connection.execute(statement.values(outbox_owner=worker, outbox_until=until)).rowcount == 1


def release_outbox_lease(connection: Connection, stream: str, worker: str) -> None:
    """End the lease; nothing happens where it is not this worker's."""
    statement = update(StreamRow).where(StreamRow.name == stream, StreamRow.outbox_owner == worker)
    connection.execute(statement.values(outbox_owner=None, outbox_until=None))


def mark_delivered(connection: Connection, message_id: int, tracker_ids: TrackerIds, at: datetime) -> None:
    """Mark a message delivered; no effect where it is delivered already or its stream is deleted."""
    statement = (
        update(OutboxRow)
        .where(OutboxRow.id == message_id, OutboxRow.delivered_at.is_(None))
        .values(delivered_at=at, attempted_at=at, reason=None, undeliverable_at=None)
        .returning(OutboxRow.stream, OutboxRow.window)
    )
    row = connection.execute(statement).one_or_none()
    if row is None or row.window is None:
        return
    names = {"mlflow_run": tracker_ids.run_id, "mlflow_version": tracker_ids.model_version}
    changes = {name: value for name, value in names.items() if value is not None}
    if changes:
        conditions = (VersionRow.stream == row.stream, VersionRow.window == row.window)
        connection.execute(update(VersionRow).where(*conditions).values(changes))


def mark_delivery_failed(connection: Connection, message_id: int, reason: str, at: datetime) -> None:
    """Count a failed attempt; no effect where the message is delivered or its stream is deleted."""
    statement = update(OutboxRow).where(OutboxRow.id == message_id, OutboxRow.delivered_at.is_(None))
    connection.execute(statement.values(attempts=OutboxRow.attempts + 1, attempted_at=at, reason=reason))


def mark_undeliverable(connection: Connection, message_id: int, reason: str, at: datetime) -> None:
    """Count a failed attempt and take the message out of the queue; no effect where it is delivered."""
    mark_delivery_failed(connection, message_id, reason, at)
    statement = update(OutboxRow).where(OutboxRow.id == message_id, OutboxRow.delivered_at.is_(None))
    connection.execute(statement.values(undeliverable_at=at))


def list_undeliverable(connection: Connection, stream: str) -> Sequence[UndeliverableMessage]:
    """Messages taken out of the queue undelivered, oldest first."""
    query = select(OutboxRow.stream, OutboxRow.kind, OutboxRow.window, OutboxRow.reason)
    query = query.where(OutboxRow.stream == stream, OutboxRow.undeliverable_at.is_not(None))
    return tuple(
        UndeliverableMessage(
            message=Message(stream=row.stream, kind=row.kind, window=row.window), reason=row.reason or ""
        )
        for row in connection.execute(query.order_by(OutboxRow.id))
    )


def requeue_undeliverable(connection: Connection, stream: str) -> None:
    """Put the messages taken out of the queue back."""
    statement = update(OutboxRow).where(OutboxRow.stream == stream, OutboxRow.undeliverable_at.is_not(None))
    connection.execute(statement.values(undeliverable_at=None))
