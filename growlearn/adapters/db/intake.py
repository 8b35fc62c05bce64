"""What a file became: windows opened, filled or quarantined, and rows kept out."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select, update

from growlearn.adapters.db import labels
from growlearn.adapters.db.columns import number_of
from growlearn.adapters.db.mapping import all_of, columns, lock_known, read, values
from growlearn.adapters.db.tables import QuarantinedRowRow, SourceFileRow, WindowRow
from growlearn.domain.errors import LostRace, UnknownName
from growlearn.domain.window import BadRow, IngestedFile, Window, WindowState, check_transition


def record_ingest(connection: Connection, ingested: IngestedFile) -> bool:
    """Write a file's windows and bad rows; False, and nothing written, if it was taken in before.

    Raises LostRace where another process has filled, closed, labelled or numbered a window meanwhile,
    and UnknownName for the stream.
    """
    lock_known(connection, ingested.stream)
    if _taken_in(connection, ingested):
        return False
    file = connection.execute(
        insert(SourceFileRow)
        .values(values(ingested.file) | values(ingested.seen, stream=ingested.stream, at=ingested.at))
        .returning(SourceFileRow.id)
    ).scalar_one()
    if ingested.joining is not None:
        labels.join(connection, ingested.stream, ingested.joining, ingested.file.url, ingested.at)
    for window in ingested.windows:
        _write(connection, window, ingested.filled)
    if ingested.bad_rows:
        kept_out = [values(bad, stream=ingested.stream, file=file) for bad in ingested.bad_rows]
        connection.execute(insert(QuarantinedRowRow), kept_out)
    return True


def _taken_in(connection: Connection, ingested: IngestedFile) -> bool:
    """Whether the latest reading of the url is this one; compared as the database stores text."""
    latest = select(func.max(SourceFileRow.id)).where(
        SourceFileRow.stream == ingested.stream, SourceFileRow.url == ingested.file.url
    )
    same = select(SourceFileRow.id).where(
        SourceFileRow.id == latest.scalar_subquery(),
        SourceFileRow.fingerprint == ingested.file.fingerprint,
        SourceFileRow.schema == ingested.schema,
    )
    return connection.scalar(same) is not None


def _write(connection: Connection, new: Window, filled: tuple[Window, ...]) -> None:
    place = (WindowRow.stream == new.stream, WindowRow.number == new.number)
    row = connection.execute(select(*columns(Window, WindowRow)).where(*place)).one_or_none()
    if row is None:
        connection.execute(insert(WindowRow).values(values(new)))
        return
    old = read(Window, row)
    stood = {window.number: window for window in filled}.get(old.number, old)
    if stood != old or old.state is not WindowState.DISCOVERED or old.discovered_at != new.discovered_at:
        raise LostRace(f"window {old.id} of stream {old.stream!r} was written by another process meanwhile")
    if new.state is not old.state:
        check_transition(old.state, new.state)
    connection.execute(update(WindowRow).where(*place).values(values(new)))


def every(connection: Connection, stream: str) -> Sequence[Window]:
    """All windows of a stream by number."""
    return all_of(connection, Window, WindowRow, WindowRow.number, WindowRow.stream == stream)


def one(connection: Connection, stream: str, window: str) -> Window:
    """One window; raises UnknownName."""
    query = select(*columns(Window, WindowRow)).where(
        WindowRow.stream == stream, WindowRow.number == number_of(window)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        count = len(every(connection, stream))
        known = f"it has w1 to w{count}" if count else "it has none yet"
        raise UnknownName(f"stream {stream!r} has no window {window!r}", cure=known)
    return read(Window, row)


def bad_rows(connection: Connection, stream: str, window: str) -> Sequence[BadRow]:
    """Rows kept out of a window, in order; raises UnknownName."""
    one(connection, stream, window)
    where = (QuarantinedRowRow.stream == stream, QuarantinedRowRow.window == window)
    return all_of(connection, BadRow, QuarantinedRowRow, QuarantinedRowRow.id, *where)
