"""Alerts: written with each change, and the queue of those that are still to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from growlearn.adapters.db.engine import connect, read_transaction, write_transaction
from growlearn.adapters.db.mapping import get_columns, lock_stream, to_row
from growlearn.adapters.db.revision import require_head_revision
from growlearn.adapters.db.tables import AlertRow
from growlearn.domain.alert import Alert, PendingAlert


def insert_alerts(connection: Connection, alerts: Sequence[Alert]) -> None:
    """Write alerts, in the transaction of the change they report."""
    if alerts:
        connection.execute(insert(AlertRow), [to_row(alert) for alert in alerts])


def open_db_alert_queue(url: str) -> DbAlertQueue:
    """That of the database at a URL; raises GrowLearnError where its tables are not the newest."""
    require_head_revision(url)
    return DbAlertQueue(connect(url))


class _Taken(Exception):
    """Some of the alerts to be claimed are not free."""


class DbAlertQueue:
    """Every method is one transaction; may be shared by threads. See ports.AlertQueue for each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def add(self, alert: Alert, unless_since: datetime) -> bool:
        """Record an alert; False where there is one of its stream and kind that is not older."""
        newer = select(AlertRow.id).where(
            AlertRow.stream == alert.stream, AlertRow.kind == alert.kind, AlertRow.at >= unless_since
        )
        with write_transaction(self._engine) as connection:
            if not lock_stream(connection, alert.stream) or connection.scalar(newer.limit(1)) is not None:
                return False
            insert_alerts(connection, [alert])
            return True

    def pending(self, since: datetime) -> Sequence[PendingAlert]:
        """Those not sent yet, oldest first."""
        sent = aliased(AlertRow)
        last_sent_at = select(func.max(sent.sent_at)).where(
            sent.stream == AlertRow.stream, sent.kind == AlertRow.kind
        )
        query = select(
            AlertRow.id,
            AlertRow.attempted_at,
            AlertRow.claimed_until,
            last_sent_at.scalar_subquery().label("last_sent_at"),
            *get_columns(Alert, AlertRow),
        ).where(AlertRow.sent_at.is_(None), AlertRow.at >= since)
        with read_transaction(self._engine) as connection:
            rows = connection.execute(query.order_by(AlertRow.id)).all()
        return tuple(
            PendingAlert(
                id=row.id,
                alert=Alert(**{name: getattr(row, name) for name in Alert.__dataclass_fields__}),
                attempted_at=row.attempted_at,
                claimed_until=row.claimed_until,
                last_sent_at=row.last_sent_at,
            )
            for row in rows
        )

    def claim(self, ids: Sequence[int], now: datetime, lease_s: float) -> bool:
        """True for the one process that may send them all."""
        is_free = or_(AlertRow.claimed_until.is_(None), AlertRow.claimed_until <= now)
        free = update(AlertRow).where(AlertRow.id.in_(ids), AlertRow.sent_at.is_(None), is_free)
        try:
            with write_transaction(self._engine) as connection:
                claimed = free.values(claimed_until=now + timedelta(seconds=lease_s))
                if connection.execute(claimed).rowcount != len(ids):
                    raise _Taken
        except _Taken:
            return False
        return True

    def record_sent(self, ids: Sequence[int], at: datetime) -> None:
        """Mark them sent."""
        sent = update(AlertRow).where(AlertRow.id.in_(ids))
        with write_transaction(self._engine) as connection:
            connection.execute(
                sent.values(sent_at=at, attempted_at=at, attempts=AlertRow.attempts + 1, claimed_until=None)
            )

    def record_failure(self, ids: Sequence[int], reason: str, at: datetime) -> None:
        """Count a failed attempt at each, and give them free again."""
        failed = update(AlertRow).where(AlertRow.id.in_(ids), AlertRow.sent_at.is_(None))
        with write_transaction(self._engine) as connection:
            connection.execute(
                failed.values(
                    attempts=AlertRow.attempts + 1, attempted_at=at, reason=reason, claimed_until=None
                )
            )

    def prune(self, before: datetime) -> None:
        """Forget those that are older."""
        with write_transaction(self._engine) as connection:
            connection.execute(delete(AlertRow).where(AlertRow.at < before))
