"""What a window's accuracy was estimated to be, and what labels said since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, exists, insert

from growlearn.adapters.db.mapping import delete_window_rows, lock_existing_stream, select_all, to_row
from growlearn.adapters.db.tables import AccuracyEstimateRow, WindowRow
from growlearn.domain.accuracy_estimate import AccuracyEstimate


def write_estimate(connection: Connection, stream: str, estimate: AccuracyEstimate) -> None:
    """Store the estimate of a window in place of any earlier one."""
    lock_existing_stream(connection, stream)
    delete_window_rows(connection, AccuracyEstimateRow, stream, estimate.window)
    connection.execute(insert(AccuracyEstimateRow).values(to_row(estimate, stream=stream)))


def list_estimates(connection: Connection, stream: str) -> Mapping[str, AccuracyEstimate]:
    """By window id, in the order of the windows."""
    table = AccuracyEstimateRow
    estimates = select_all(connection, AccuracyEstimate, table, table.window, table.stream == stream)
    return {estimate.window: estimate for estimate in estimates}


def list_outdated_estimates(connection: Connection, stream: str, max_rows: int) -> Sequence[AccuracyEstimate]:
    """Those compared with fewer labels than their window has now, and with less than `max_rows`."""
    table = AccuracyEstimateRow
    has_more_labels = exists().where(
        WindowRow.stream == table.stream,
        WindowRow.number == table.window,
        WindowRow.labelled > table.known_rows,
    )
    return select_all(
        connection,
        AccuracyEstimate,
        table,
        table.window,
        table.stream == stream,
        table.known_rows < max_rows,
        has_more_labels,
    )
