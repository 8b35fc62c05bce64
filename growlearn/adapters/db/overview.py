"""One statement over all streams: what a scheduler, a worker and `status` look at again and again.

Each figure is a subquery that an index answers per stream, so that the cost does not grow with a stream's
history; and of a job only the part that is needed is parsed, which is most of the time otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, select, type_coerce
from sqlalchemy.orm import aliased

from growlearn.adapters.db.columns import Json
from growlearn.adapters.db.labels import IS_WITHOUT_ROWS
from growlearn.adapters.db.mapping import make_stream_not_found
from growlearn.adapters.db.tables import (
    LateLabelsRow,
    SourceFileRow,
    StreamRow,
    TickRow,
    VersionRow,
    WindowRow,
)
from growlearn.domain.job import Schedule
from growlearn.domain.stream_overview import (
    LatestVerdict,
    StreamArrival,
    StreamSchedule,
    StreamStatus,
    StreamWork,
)
from growlearn.domain.window import PENDING, WindowState
from growlearn.domain.window_progress import WindowProgress


@dataclass(frozen=True)
class _IdColumn:
    id_column: str | None = None


@dataclass(frozen=True)
class _JobPart:
    """The keys of a stored job that are read here; the others are not looked at."""

    schedule: Schedule
    schema: _IdColumn


@dataclass(frozen=True)
class _ArrivalKey:
    silent_after: str | None = None


_IS_PAUSED = StreamRow.paused_at.is_not(None).label("is_paused")
_JOB_PART = type_coerce(StreamRow.job, Json(_JobPart)).label("job")


def list_schedules(connection: Connection) -> Sequence[StreamSchedule]:
    """When each stream is due, by name."""
    query = select(
        StreamRow.name, StreamRow.created_at, _JOB_PART, _last_tick().label("last_tick"), _IS_PAUSED
    )
    return tuple(
        StreamSchedule(
            name=row.name,
            created_at=row.created_at,
            schedule=row.job.schedule,
            last_tick=row.last_tick,
            is_paused=row.is_paused,
        )
        for row in connection.execute(query.order_by(StreamRow.name))
    )


def list_work(connection: Connection) -> Sequence[StreamWork]:
    """What may call a worker to each stream, by name."""
    query: Select[Any] = select(
        StreamRow.name,
        _last_tick().label("last_tick"),
        exists().where(*_windows(WindowRow.state.in_(PENDING))).label("has_pending_windows"),
        _IS_PAUSED,
    )
    return tuple(StreamWork(**row._mapping) for row in connection.execute(query.order_by(StreamRow.name)))


def list_windows_in_progress(connection: Connection, now: datetime) -> Sequence[WindowProgress]:
    """The windows under an unexpired lease, by stream; an index finds the pending windows of each stream."""
    is_leased = and_(*_windows(WindowRow.state.in_(PENDING), WindowRow.lease_until > now))
    query = select(
        WindowRow.stream,
        WindowRow.number,
        WindowRow.state,
        WindowRow.updated_at,
        WindowRow.lease_owner,
        WindowRow.progress,
    ).join_from(StreamRow, WindowRow, is_leased)
    return tuple(
        WindowProgress(
            stream=row.stream,
            window=f"w{row.number}",
            state=row.state,
            since=row.updated_at,
            worker=row.lease_owner,
            progress=row.progress,
        )
        for row in connection.execute(query.order_by(StreamRow.name))
    )


def list_arrivals(connection: Connection) -> Sequence[StreamArrival]:
    """When the last file arrived of each stream whose job has `silent_after`; paused ones are left out."""
    last_at = select(func.max(SourceFileRow.at)).where(SourceFileRow.stream == StreamRow.name)
    query: Select[Any] = select(
        StreamRow.name,
        func.coalesce(last_at.scalar_subquery(), StreamRow.created_at).label("last_at"),
        type_coerce(StreamRow.job, Json(_ArrivalKey)).label("job"),
    ).where(StreamRow.paused_at.is_(None))
    return tuple(
        StreamArrival(name=row.name, last_at=row.last_at, silent_after=row.job.silent_after)
        for row in connection.execute(query.order_by(StreamRow.name))
        if row.job.silent_after is not None
    )


def list_statuses(connection: Connection, now: datetime, name: str | None) -> Sequence[StreamStatus]:
    """Where each stream stands, or one of them; raises NotFound."""
    query: Select[Any] = select(
        StreamRow.name,
        StreamRow.looked_at,
        StreamRow.champion,
        StreamRow.challenger,
        _JOB_PART,
        exists().where(*_windows()).label("has_windows"),
        exists()
        .where(*_windows(WindowRow.state.in_(PENDING), WindowRow.lease_until > now))
        .label("has_active_lease"),
        _over_windows(func.count(), WindowRow.state.in_(PENDING)).label("pending"),
        _over_windows(func.count(), _IS_AWAITING_LABELS).label("awaiting_labels"),
        _over_windows(func.coalesce(func.sum(_LABELS_MISSING), 0), _IS_AWAITING_LABELS).label(
            "labels_missing"
        ),
        select(func.coalesce(func.sum(LateLabelsRow.labels), 0))
        .where(LateLabelsRow.stream == StreamRow.name, IS_WITHOUT_ROWS)
        .scalar_subquery()
        .label("pending_labels"),
        _IS_PAUSED,
        VersionRow.average_accuracy.label("accuracy"),
        _Latest.number.label("latest_number"),
        _Latest.verdict.label("latest_verdict"),
        _Latest.state.label("latest_state"),
    ).select_from(StreamRow)
    query = query.outerjoin(
        VersionRow, and_(VersionRow.stream == StreamRow.name, VersionRow.number == StreamRow.champion)
    ).outerjoin(_Latest, and_(_Latest.stream == StreamRow.name, _Latest.number == _LATEST_NUMBER))
    if name is not None:
        query = query.where(StreamRow.name == name)
    statuses = tuple(_make_status(row) for row in connection.execute(query.order_by(StreamRow.name)))
    if name is not None and not statuses:
        raise make_stream_not_found(connection, name)
    return statuses


_IS_AWAITING_LABELS = WindowRow.state == WindowState.AWAITING_LABELS
_MISSING = func.coalesce(WindowRow.labels_required, 0) - func.coalesce(WindowRow.labelled, 0)
_LABELS_MISSING = case((_MISSING > 0, _MISSING), else_=0)


_Latest = aliased(WindowRow)
_LATEST_NUMBER = (
    select(WindowRow.number)
    .where(WindowRow.stream == StreamRow.name, WindowRow.verdict.is_not(None))
    .order_by(WindowRow.number.desc())
    .limit(1)
    .scalar_subquery()
)
"""Of the newest window with a verdict: the end of an index, however many windows there are."""


def _windows(*where: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    return (WindowRow.stream == StreamRow.name, *where)


def _over_windows(figure: Any, *where: ColumnElement[bool]) -> Any:
    return select(figure).select_from(WindowRow).where(*_windows(*where)).scalar_subquery()


def _last_tick() -> Any:
    return select(func.max(TickRow.due_at)).where(TickRow.stream == StreamRow.name).scalar_subquery()


def _make_status(row: Any) -> StreamStatus:
    values = dict(row._mapping)
    job: _JobPart = values.pop("job")
    has_id_column = job.schema.id_column is not None
    number, verdict, state = (values.pop(f"latest_{part}") for part in ("number", "verdict", "state"))
    latest = None if number is None else LatestVerdict(window=f"w{number}", verdict=verdict, state=state)
    return StreamStatus(schedule=job.schedule, has_id_column=has_id_column, latest=latest, **values)
