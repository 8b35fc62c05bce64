"""Labels joined to windows by key, and those whose rows have not come yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from growlearn.adapters.db.columns import number_of
from growlearn.adapters.db.mapping import all_of, values
from growlearn.adapters.db.tables import LateLabelsRow, WindowRow
from growlearn.domain.errors import LostRace
from growlearn.domain.labels import EarlyLabels, Joining, LabelJoin, Relabelled


def early(connection: Connection, stream: str) -> Sequence[EarlyLabels]:
    """Labels whose rows have not come yet, in the order their files came."""
    return all_of(connection, EarlyLabels, LateLabelsRow, LateLabelsRow.id, *_early(stream))


def joins(connection: Connection, stream: str) -> Sequence[LabelJoin]:
    """Every joining of labels to a window, oldest first."""
    joined = (LateLabelsRow.stream == stream, LateLabelsRow.window.is_not(None))
    return all_of(connection, LabelJoin, LateLabelsRow, LateLabelsRow.id, *joined)


def _early(stream: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return LateLabelsRow.stream == stream, LateLabelsRow.window.is_(None)


def join(connection: Connection, stream: str, joining: Joining, source: str, at: datetime) -> None:
    """Write what was joined; raises LostRace where it was worked out from what does not hold any more."""
    _require_unchanged(connection, stream, joining)
    for change in joining.relabelled:
        _relabel(connection, stream, change, source, at)
    if joining.early == joining.early_before:
        return
    connection.execute(delete(LateLabelsRow).where(*_early(stream)))
    if joining.early:
        connection.execute(insert(LateLabelsRow), [values(each, stream=stream) for each in joining.early])


def _require_unchanged(connection: Connection, stream: str, joining: Joining) -> None:
    last = connection.scalar(select(func.max(WindowRow.number)).where(WindowRow.stream == stream)) or 0
    if (last, early(connection, stream)) != (joining.last_window, joining.early_before):
        raise LostRace(f"rows or labels of stream {stream!r} were taken in by another process meanwhile")


def _relabel(connection: Connection, stream: str, change: Relabelled, source: str, at: datetime) -> None:
    new = (
        update(WindowRow)
        .where(
            WindowRow.stream == stream,
            WindowRow.number == number_of(change.window),
            WindowRow.snapshot == change.before,
        )
        .values(snapshot=change.after, labelled=change.labelled)
    )
    if connection.execute(new).rowcount != 1:
        raise LostRace(
            f"window {change.window} of stream {stream!r} was written by another process meanwhile"
        )
    joined = LabelJoin(window=change.window, source=source, labels=change.labels, at=at)
    connection.execute(insert(LateLabelsRow).values(values(joined, stream=stream)))
