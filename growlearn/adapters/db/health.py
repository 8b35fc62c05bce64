"""The health of a database: integrity, tables, timestamps, undelivered messages and stuck windows.

Read only; the doctor uses it, no worker needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    ForeignKeyConstraint,
    Row,
    Table,
    and_,
    exists,
    func,
    inspect,
    literal,
    or_,
    select,
    text,
)

from growlearn.adapters.db.columns import UtcDateTime
from growlearn.adapters.db.engine import read_transaction
from growlearn.adapters.db.outbox import IS_PENDING
from growlearn.adapters.db.tables import (
    TABLE_PREFIX,
    VERSION_TABLE,
    AlertRow,
    AliasChangeRow,
    Base,
    OutboxRow,
    StreamRow,
    WindowRow,
)
from growlearn.domain.window import PENDING, WindowState


def find_integrity_error(engine: Engine, *, full: bool = False) -> str | None:
    """The first integrity error in a SQLite file; None for a sound one and for other databases.

    A full check also compares every index with its table, which takes longer.
    """
    if engine.dialect.name != "sqlite":
        return None
    with read_transaction(engine) as connection:
        pragma = "integrity_check" if full else "quick_check"
        outcome: str = connection.exec_driver_sql(f"PRAGMA {pragma}(1)").scalar_one()
    return None if outcome == "ok" else outcome


@dataclass(frozen=True, kw_only=True)
class DanglingRows:
    """Rows of a table that name a row of another table which does not exist; `example` is one's key."""

    table: str
    columns: tuple[str, ...]
    other: str
    count: int
    example: str


def list_dangling_rows(engine: Engine) -> Sequence[DanglingRows]:
    """Every broken reference between tables, which a database copied or edited by hand may have."""
    with read_transaction(engine) as connection:
        return tuple(
            dangling
            for table in Base.metadata.sorted_tables
            for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
            if (dangling := _find_dangling(connection, table, key)) is not None
        )


def _find_dangling(connection: Connection, table: Table, key: ForeignKeyConstraint) -> DanglingRows | None:
    other = key.referred_table.alias("other")
    matches = and_(*(other.c[element.column.name] == element.parent for element in key.elements))
    given = and_(*(column.is_not(None) for column in key.columns))
    is_dangling = and_(given, ~exists(select(literal(1)).select_from(other).where(matches)))
    count = connection.scalar(select(func.count()).select_from(table).where(is_dangling)) or 0
    if not count:
        return None
    first = connection.execute(select(*table.primary_key.columns).where(is_dangling).limit(1)).one()
    return DanglingRows(
        table=table.name,
        columns=tuple(column.name for column in key.columns),
        other=key.referred_table.name,
        count=count,
        example=", ".join(f"{name} {value}" for name, value in first._mapping.items()),
    )


@dataclass(frozen=True, kw_only=True)
class TableNames:
    """Names of the tables in a database: ours, other ones with our prefix, and the rest."""

    ours: frozenset[str]
    unexpected: frozenset[str]
    foreign: frozenset[str]


def list_tables(engine: Engine) -> TableNames:
    """The tables of a database by owner, without our Alembic version table."""
    with read_transaction(engine) as connection:
        names = frozenset(inspect(connection).get_table_names()) - {VERSION_TABLE}
    ours = names & frozenset(Base.metadata.tables)
    prefixed = frozenset(name for name in names if name.startswith(TABLE_PREFIX))
    return TableNames(ours=ours, unexpected=prefixed - ours, foreign=names - prefixed)


@dataclass(frozen=True, kw_only=True)
class AlertBacklog:
    """Alerts that the webhook has not taken: how many, since when, and the last attempt at one."""

    alerts: int
    since: datetime
    attempts: int
    attempted_at: datetime | None
    reason: str | None


def find_alert_backlog(engine: Engine, kinds: Sequence[str], since: datetime) -> AlertBacklog | None:
    """Those of these kinds that are not older than `since`; None where there are none."""
    unsent = (AlertRow.sent_at.is_(None), AlertRow.at >= since, AlertRow.kind.in_(kinds))
    last = AlertRow.attempted_at.desc().nulls_last()
    query = select(AlertRow.attempts, AlertRow.attempted_at, AlertRow.reason).where(*unsent).order_by(last)
    with read_transaction(engine) as connection:
        count, first_at = connection.execute(select(func.count(), func.min(AlertRow.at)).where(*unsent)).one()
        row = connection.execute(query.limit(1)).one_or_none()
    if row is None:
        return None
    return AlertBacklog(alerts=count, since=first_at, **row._mapping)


def find_latest_timestamp(engine: Engine) -> tuple[datetime, str] | None:
    """The latest timestamp in any table, with its table and column; None in an empty database.

    The ends of leases and the next looks of processes, which are in the future, are left out.
    """
    latest: list[tuple[datetime, str]] = []
    with read_transaction(engine) as connection:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, UtcDateTime) and not _is_in_future(column.name):
                    at = connection.scalar(select(func.max(column)))
                    if at is not None:
                        latest.append((at, f"{table.name}.{column.name}"))
    return max(latest, default=None)


def _is_in_future(column: str) -> bool:
    return column.endswith("_until") or column.startswith("next_")


def get_server_time(engine: Engine) -> datetime | None:
    """The time of the database server; None for SQLite, which has no server."""
    if engine.dialect.name == "sqlite":
        return None
    with read_transaction(engine) as connection:
        at: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return at.astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class OutboxBacklog:
    """The undelivered MLflow messages of one stream.

    `since` is when the first of its windows ended or its aliases last changed; `attempts`, `attempted_at` and
    `reason` are of the oldest message, which blocks all others. `lease_until` is the end of the current
    delivery lease.
    """

    stream: str
    messages: int
    since: datetime | None
    attempts: int
    attempted_at: datetime | None
    reason: str | None
    lease_until: datetime | None


def list_outbox_backlogs(engine: Engine) -> Sequence[OutboxBacklog]:
    """Every stream with undelivered messages, by name."""
    alias_changed_at = (
        select(func.max(AliasChangeRow.at)).where(AliasChangeRow.stream == OutboxRow.stream).scalar_subquery()
    )
    query = (
        select(
            OutboxRow.stream,
            OutboxRow.attempts,
            OutboxRow.attempted_at,
            OutboxRow.reason,
            StreamRow.outbox_until,
            func.coalesce(WindowRow.updated_at, alias_changed_at).label("since"),
        )
        .join(StreamRow, StreamRow.name == OutboxRow.stream)
        .outerjoin(
            WindowRow, and_(WindowRow.stream == OutboxRow.stream, WindowRow.number == OutboxRow.window)
        )
        .where(IS_PENDING)
        .order_by(OutboxRow.stream, OutboxRow.id)
    )
    with read_transaction(engine) as connection:
        rows = connection.execute(query).all()
    return tuple(
        _make_backlog(name, list(stream_rows)) for name, stream_rows in groupby(rows, attrgetter("stream"))
    )


def _make_backlog(stream: str, rows: Sequence[Row[*tuple[Any, ...]]]) -> OutboxBacklog:
    oldest = rows[0]
    return OutboxBacklog(
        stream=stream,
        messages=len(rows),
        since=min((row.since for row in rows if row.since is not None), default=None),
        attempts=oldest.attempts,
        attempted_at=oldest.attempted_at,
        reason=oldest.reason,
        lease_until=oldest.outbox_until,
    )


@dataclass(frozen=True, kw_only=True)
class StuckWindow:
    """An unfinished window whose lease has expired, or whose step failed."""

    stream: str
    window: str
    state: WindowState
    owner: str | None
    lease_until: datetime | None
    failures: int
    reason: str | None


def list_stuck_windows(engine: Engine, now: datetime) -> Sequence[StuckWindow]:
    """Pending windows whose lease has expired unreleased, or which have failed, in order."""
    is_abandoned = and_(WindowRow.lease_owner.is_not(None), WindowRow.lease_until <= now)
    query = (
        select(
            WindowRow.stream,
            WindowRow.number,
            WindowRow.state,
            WindowRow.lease_owner,
            WindowRow.lease_until,
            WindowRow.failures,
            WindowRow.reason,
        )
        .where(WindowRow.state.in_(PENDING), or_(is_abandoned, WindowRow.failures > 0))
        .order_by(WindowRow.stream, WindowRow.number)
    )
    with read_transaction(engine) as connection:
        return tuple(
            StuckWindow(
                stream=row.stream,
                window=f"w{row.number}",
                state=row.state,
                owner=row.lease_owner,
                lease_until=row.lease_until,
                failures=row.failures,
                reason=row.reason,
            )
            for row in connection.execute(query)
        )
