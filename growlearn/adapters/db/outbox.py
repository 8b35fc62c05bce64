"""Messages to the tracker, stored until they are delivered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, Update, and_, insert, or_, select, update

from growlearn.adapters.db.engine import read_transaction, write_transaction
from growlearn.adapters.db.mapping import lock_existing_stream, to_row
from growlearn.adapters.db.tables import OutboxRow, StreamRow, VersionRow
from growlearn.domain.stream import Message, PendingMessage, TrackerIds, UndeliverableMessage

IS_PENDING = and_(OutboxRow.delivered_at.is_(None), OutboxRow.undeliverable_at.is_(None))
"""The condition for messages that are still to be delivered."""


class DbOutbox:
    """Every method is one transaction; may be shared by threads. See ports.Outbox for each method."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def enqueue(self, messages: Sequence[Message]) -> None:
        """Queue messages without any other change; raises NotFound."""
        with write_transaction(self._engine) as connection:
            for message in messages:
                lock_existing_stream(connection, message.stream)
                enqueue_message(connection, message)

    def pending(self, stream: str | None = None, limit: int = 100) -> Sequence[PendingMessage]:
        """Undelivered messages, oldest first, of one stream or of all."""
        query = select(OutboxRow.id, OutboxRow.stream, OutboxRow.kind, OutboxRow.window, OutboxRow.attempts)
        query = query.where(IS_PENDING)
        if stream is not None:
            query = query.where(OutboxRow.stream == stream)
        with read_transaction(self._engine) as connection:
            rows = connection.execute(query.order_by(OutboxRow.id).limit(limit)).all()
        return tuple(
            PendingMessage(
                id=row.id,
                message=Message(stream=row.stream, kind=row.kind, window=row.window),
                attempts=row.attempts,
            )
            for row in rows
        )

    def streams(self) -> Sequence[str]:
        """The streams that have undelivered messages, by name."""
        query = select(OutboxRow.stream).where(IS_PENDING).distinct().order_by(OutboxRow.stream)
        with read_transaction(self._engine) as connection:
            return tuple(connection.scalars(query))

    def claim(self, stream: str, worker: str, now: datetime, lease_s: float) -> bool:
        """Lease the outbox of a stream unless another worker's lease still runs."""
        is_free = or_(
            StreamRow.outbox_owner.is_(None), StreamRow.outbox_owner == worker, StreamRow.outbox_until <= now
        )
        statement = update(StreamRow).where(StreamRow.name == stream, is_free)
        until = now + timedelta(seconds=lease_s)
        with write_transaction(self._engine) as connection:
            leased = connection.execute(statement.values(outbox_owner=worker, outbox_until=until))
            return leased.rowcount == 1

    def release(self, stream: str, worker: str) -> None:
        """End the lease; nothing happens where it is not this worker's."""
        statement = update(StreamRow).where(StreamRow.name == stream, StreamRow.outbox_owner == worker)
        with write_transaction(self._engine) as connection:
            connection.execute(statement.values(outbox_owner=None, outbox_until=None))

    def record_delivery(self, message_id: int, tracker_ids: TrackerIds, at: datetime) -> None:
        """Mark a message delivered; no effect where it is delivered already or its stream is deleted."""
        with write_transaction(self._engine) as connection:
            _mark_delivered(connection, message_id, tracker_ids, at)

    def record_failure(self, message_id: int, reason: str, at: datetime) -> None:
        """Count a failed attempt; no effect where the message is delivered or its stream is deleted."""
        with write_transaction(self._engine) as connection:
            _count_failure(connection, message_id, reason, at)

    def record_undeliverable(self, message_id: int, reason: str, at: datetime) -> None:
        """Count a failed attempt and take the message out of the queue; no effect where it is delivered."""
        with write_transaction(self._engine) as connection:
            _count_failure(connection, message_id, reason, at)
            connection.execute(_update_undelivered(message_id).values(undeliverable_at=at))

    def undeliverable(self, stream: str) -> Sequence[UndeliverableMessage]:
        """Messages taken out of the queue undelivered, oldest first."""
        query = select(OutboxRow.stream, OutboxRow.kind, OutboxRow.window, OutboxRow.reason)
        query = query.where(OutboxRow.stream == stream, OutboxRow.undeliverable_at.is_not(None))
        with read_transaction(self._engine) as connection:
            rows = connection.execute(query.order_by(OutboxRow.id)).all()
        return tuple(
            UndeliverableMessage(
                message=Message(stream=row.stream, kind=row.kind, window=row.window), reason=row.reason or ""
            )
            for row in rows
        )

    def requeue_undeliverable(self, stream: str) -> None:
        """Put the messages taken out of the queue back."""
        statement = update(OutboxRow).where(
            OutboxRow.stream == stream, OutboxRow.undeliverable_at.is_not(None)
        )
        with write_transaction(self._engine) as connection:
            connection.execute(statement.values(undeliverable_at=None))


def enqueue_message(connection: Connection, message: Message) -> None:
    """Queue a message, in the transaction of the change it reports."""
    connection.execute(insert(OutboxRow).values(to_row(message, attempts=0)))


def _mark_delivered(connection: Connection, message_id: int, tracker_ids: TrackerIds, at: datetime) -> None:
    statement = (
        _update_undelivered(message_id)
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


def _count_failure(connection: Connection, message_id: int, reason: str, at: datetime) -> None:
    failed = {"attempts": OutboxRow.attempts + 1, "attempted_at": at, "reason": reason}
    connection.execute(_update_undelivered(message_id).values(failed))


def _update_undelivered(message_id: int) -> Update:
    return update(OutboxRow).where(OutboxRow.id == message_id, OutboxRow.delivered_at.is_(None))
