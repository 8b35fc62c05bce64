"""The results of ingesting a file: windows opened, extended or quarantined, and rejected rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from growlearn.adapters.db import alerts, labels
from growlearn.adapters.db.mapping import from_row, get_columns, lock_existing_stream, select_all, to_row
from growlearn.adapters.db.tables import QuarantinedRowRow, SourceFileRow, WindowRow
from growlearn.domain.alert import make_ingest_alerts
from growlearn.domain.errors import NotFound
from growlearn.domain.window import (
    BadRow,
    IngestResult,
    Window,
    WindowState,
    check_can_extend,
    parse_window_number,
)


def record_ingest(connection: Connection, ingested: IngestResult) -> bool:
    """Write a file's windows and bad rows; False, and nothing written, if it was ingested before.

    Raises ConcurrentUpdate where another process has extended, closed, labelled or numbered a window since,
    and NotFound for the stream.
    """
    lock_existing_stream(connection, ingested.stream)
    if _is_already_ingested(connection, ingested):
        return False
    file = connection.execute(
        insert(SourceFileRow)
        .values(to_row(ingested.file_record, stream=ingested.stream, at=ingested.at))
        .returning(SourceFileRow.id)
    ).scalar_one()
    if ingested.label_join is not None:
        labels.write_label_join(
            connection, ingested.stream, ingested.label_join, ingested.file.url, ingested.at
        )
    for window in ingested.windows:
        _write_window(connection, window, ingested.extended_windows)
    if ingested.bad_rows:
        quarantined_rows = [to_row(bad, stream=ingested.stream, file=file) for bad in ingested.bad_rows]
        connection.execute(insert(QuarantinedRowRow), quarantined_rows)
    alerts.insert_alerts(connection, make_ingest_alerts(ingested))
    return True


def _is_already_ingested(connection: Connection, ingested: IngestResult) -> bool:
    """Whether the latest reading of the url is this one; compared as the database stores text."""
    latest = select(func.max(SourceFileRow.id)).where(
        SourceFileRow.stream == ingested.stream, SourceFileRow.url == ingested.file.url
    )
    same_schema = SourceFileRow.schema == ingested.schema
    same = select(SourceFileRow.id).where(
        SourceFileRow.id == latest.scalar_subquery(),
        or_(same_schema, SourceFileRow.rows > 0)
        if ingested.file.taken_once
        else and_(same_schema, SourceFileRow.fingerprint == ingested.file.fingerprint),
    )
    return connection.scalar(same) is not None


def _write_window(connection: Connection, new: Window, extended_windows: tuple[Window, ...]) -> None:
    key = (WindowRow.stream == new.stream, WindowRow.number == new.number)
    row = connection.execute(select(*get_columns(Window, WindowRow)).where(*key)).one_or_none()
    if row is None:
        connection.execute(insert(WindowRow).values(to_row(new)))
        return
    check_can_extend(from_row(Window, row), new, extended_windows)
    connection.execute(update(WindowRow).where(*key).values(to_row(new)))


def list_windows(
    connection: Connection, stream: str, states: Collection[WindowState] | None = None
) -> Sequence[Window]:
    """The windows of a stream by number: all, or those in these states."""
    in_states = () if states is None else (WindowRow.state.in_(states),)
    return select_all(connection, Window, WindowRow, WindowRow.number, WindowRow.stream == stream, *in_states)


def get_window(connection: Connection, stream: str, window: str) -> Window:
    """One window; raises NotFound."""
    query = select(*get_columns(Window, WindowRow)).where(
        WindowRow.stream == stream, WindowRow.number == parse_window_number(window)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        count = len(list_windows(connection, stream))
        hint = f"it has w1 to w{count}" if count else "it has none yet"
        raise NotFound(f"stream {stream!r} has no window {window!r}", hint=hint)
    return from_row(Window, row)


def list_bad_rows(connection: Connection, stream: str, window: str) -> Sequence[BadRow]:
    """Rejected rows of a window, in order; raises NotFound."""
    get_window(connection, stream, window)
    where = (QuarantinedRowRow.stream == stream, QuarantinedRowRow.window == window)
    return select_all(connection, BadRow, QuarantinedRowRow, QuarantinedRowRow.id, *where)
