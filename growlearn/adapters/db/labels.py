"""Labels joined to windows by id, and those whose rows have not arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from growlearn.adapters.db.mapping import select_all, to_row
from growlearn.adapters.db.tables import LateLabelsRow, WindowRow
from growlearn.domain.delayed_labels import LabelJoinRecord, LabelJoinResult, LabelUpdate, PendingLabels
from growlearn.domain.errors import ConcurrentUpdate
from growlearn.domain.window import parse_window_number

IS_WITHOUT_ROWS = LateLabelsRow.window.is_(None)
"""The condition for labels whose rows have not come yet."""


def list_pending_labels(connection: Connection, stream: str) -> Sequence[PendingLabels]:
    """Labels whose rows have not come yet, in the order their files came."""
    return select_all(
        connection, PendingLabels, LateLabelsRow, LateLabelsRow.id, *_pending_conditions(stream)
    )


def list_label_joins(connection: Connection, stream: str) -> Sequence[LabelJoinRecord]:
    """Every joining of labels to a window, oldest first."""
    conditions = (LateLabelsRow.stream == stream, LateLabelsRow.window.is_not(None))
    return select_all(connection, LabelJoinRecord, LateLabelsRow, LateLabelsRow.id, *conditions)


def _pending_conditions(stream: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return LateLabelsRow.stream == stream, IS_WITHOUT_ROWS


def write_label_join(
    connection: Connection, stream: str, label_join: LabelJoinResult, source: str, at: datetime
) -> None:
    """Write a label join; raises ConcurrentUpdate where rows or labels have changed since it was computed."""
    _require_unchanged(connection, stream, label_join)
    for change in label_join.label_updates:
        _update_labels(connection, stream, change, source, at)
    if label_join.pending == label_join.pending_before:
        return
    connection.execute(delete(LateLabelsRow).where(*_pending_conditions(stream)))
    if label_join.pending:
        connection.execute(
            insert(LateLabelsRow),
            [to_row(pending_labels, stream=stream) for pending_labels in label_join.pending],
        )


def _require_unchanged(connection: Connection, stream: str, label_join: LabelJoinResult) -> None:
    last = connection.scalar(select(func.max(WindowRow.number)).where(WindowRow.stream == stream)) or 0
    if (last, list_pending_labels(connection, stream)) != (label_join.last_window, label_join.pending_before):
        raise ConcurrentUpdate(
            f"rows or labels of stream {stream!r} were ingested by another process meanwhile"
        )


def _update_labels(
    connection: Connection, stream: str, change: LabelUpdate, source: str, at: datetime
) -> None:
    statement = (
        update(WindowRow)
        .where(
            WindowRow.stream == stream,
            WindowRow.number == parse_window_number(change.window),
            WindowRow.snapshot == change.before,
        )
        .values(snapshot=change.after, labelled=change.labelled)
    )
    if connection.execute(statement).rowcount != 1:
        raise ConcurrentUpdate(
            f"window {change.window} of stream {stream!r} was written by another process meanwhile"
        )
    joined = LabelJoinRecord(window=change.window, source=source, labels=change.labels, at=at)
    connection.execute(insert(LateLabelsRow).values(to_row(joined, stream=stream)))
