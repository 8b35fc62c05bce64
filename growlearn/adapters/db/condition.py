"""What a database tells of its own condition: its tables, its times, what waits in it and what stands still.

Read only, for a person who looks an installation over; the work itself needs none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Engine, Row, and_, func, inspect, or_, select, text

from growlearn.adapters.db.columns import UtcDateTime
from growlearn.adapters.db.engine import reading
from growlearn.adapters.db.tables import (
    PREFIX,
    VERSION_TABLE,
    AliasMoveRow,
    Base,
    OutboxRow,
    StreamRow,
    WindowRow,
)
from growlearn.domain.window import PENDING, WindowState


def damage(engine: Engine) -> str | None:
    """What SQLite finds broken in its own file; None for a sound one, and for every other database."""
    if engine.dialect.name != "sqlite":
        return None
    with reading(engine) as connection:
        said: str = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    return None if said == "ok" else said


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Names of the tables in a database: ours, others that carry our prefix, and the rest."""

    ours: frozenset[str]
    intruding: frozenset[str]
    foreign: frozenset[str]


def tables_in(engine: Engine) -> Tables:
    """Whose tables a database holds; Alembic's of ours is left out."""
    with reading(engine) as connection:
        names = frozenset(inspect(connection).get_table_names()) - {VERSION_TABLE}
    ours = names & frozenset(Base.metadata.tables)
    prefixed = frozenset(name for name in names if name.startswith(PREFIX))
    return Tables(ours=ours, intruding=prefixed - ours, foreign=names - prefixed)


def newest_record(engine: Engine) -> tuple[datetime, str] | None:
    """The latest time that anything was recorded at, and its table and column; None where nothing was.

    The ends of leases, which lie ahead by nature, are left out.
    """
    latest: list[tuple[datetime, str]] = []
    with reading(engine) as connection:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, UtcDateTime) and not column.name.endswith("_until"):
                    at = connection.scalar(select(func.max(column)))
                    if at is not None:
                        latest.append((at, f"{table.name}.{column.name}"))
    return max(latest, default=None)


def server_time(engine: Engine) -> datetime | None:
    """The time of day at the database server; None for SQLite, which has no clock of its own."""
    if engine.dialect.name == "sqlite":
        return None
    with reading(engine) as connection:
        at: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return at.astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Undelivered:
    """What MLflow has still to be told of one stream.

    `since` is when the first of its windows ended or its aliases last moved; `tries`, `tried_at` and `reason`
    are of the oldest message, which holds up all others. `telling_until` is the lease of who tells it now.
    """

    stream: str
    messages: int
    since: datetime | None
    tries: int
    tried_at: datetime | None
    reason: str | None
    telling_until: datetime | None


def undelivered(engine: Engine) -> Sequence[Undelivered]:
    """Every stream of which messages wait, by name."""
    moved = select(func.max(AliasMoveRow.at)).where(AliasMoveRow.stream == OutboxRow.stream).scalar_subquery()
    waiting = (
        select(
            OutboxRow.stream,
            OutboxRow.attempts,
            OutboxRow.attempted_at,
            OutboxRow.reason,
            StreamRow.outbox_until,
            func.coalesce(WindowRow.updated_at, moved).label("since"),
        )
        .join(StreamRow, StreamRow.name == OutboxRow.stream)
        .outerjoin(
            WindowRow, and_(WindowRow.stream == OutboxRow.stream, WindowRow.number == OutboxRow.window)
        )
        .where(OutboxRow.delivered_at.is_(None))
        .order_by(OutboxRow.stream, OutboxRow.id)
    )
    with reading(engine) as connection:
        rows = connection.execute(waiting).all()
    return tuple(_of_stream(name, list(those)) for name, those in groupby(rows, attrgetter("stream")))


def _of_stream(stream: str, rows: Sequence[Row[*tuple[Any, ...]]]) -> Undelivered:
    oldest = rows[0]
    return Undelivered(
        stream=stream,
        messages=len(rows),
        since=min((row.since for row in rows if row.since is not None), default=None),
        tries=oldest.attempts,
        tried_at=oldest.attempted_at,
        reason=oldest.reason,
        telling_until=oldest.outbox_until,
    )


@dataclass(frozen=True, kw_only=True)
class Halted:
    """An unfinished window whose worker left it, or whose training failed."""

    stream: str
    window: str
    state: WindowState
    owner: str | None
    lease_until: datetime | None
    failures: int
    reason: str | None


def halted(engine: Engine, now: datetime) -> Sequence[Halted]:
    """Pending windows whose lease has run out without being given back, or which have failed, in order."""
    left = and_(WindowRow.lease_owner.is_not(None), WindowRow.lease_until <= now)
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
        .where(WindowRow.state.in_(PENDING), or_(left, WindowRow.failures > 0))
        .order_by(WindowRow.stream, WindowRow.number)
    )
    with reading(engine) as connection:
        return tuple(
            Halted(
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
