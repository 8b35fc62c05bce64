"""Duplicate rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from growlearn.ingest.rows import Rows


def find_duplicates(rows: Rows) -> Iterator[tuple[int, int]]:
    """(row, earlier row) for each row that duplicates an earlier one.

    Without row ids, only rows whose hash occurs more than once are compared one by one.
    """
    _, inverse, counts = np.unique(rows.row_hashes, return_inverse=True, return_counts=True)
    first_rows: dict[tuple[object, ...], int] = {}
    for row in np.flatnonzero((counts[inverse] > 1) | (rows.row_ids is not None)):
        row_number = int(row)
        earlier = first_rows.setdefault(get_row_identity(rows, row_number), row_number)
        if earlier != row_number:
            yield row_number, earlier


def get_row_identity(rows: Rows, row: int) -> tuple[object, ...]:
    """What identifies a row: its id, or else the hash of its inputs, its label and its task."""
    if rows.row_ids is not None and rows.row_ids[row] is not None:
        return (rows.row_ids[row],)
    task = None if rows.tasks is None else rows.tasks[row]
    return int(rows.row_hashes[row]), rows.labels[row], task
