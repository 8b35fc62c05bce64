"""Rows that say the same twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from growlearn.ingest.rows import Rows


def duplicates(rows: Rows) -> Iterator[tuple[int, int]]:
    """(row, earlier row) for each row that is the same as an earlier one.

    Where nothing names the rows, only those whose key occurs more than once are looked at one by one.
    """
    _, inverse, counts = np.unique(rows.keys, return_inverse=True, return_counts=True)
    first: dict[tuple[object, ...], int] = {}
    for row in np.flatnonzero((counts[inverse] > 1) | (rows.ids is not None)):
        place = int(row)
        earlier = first.setdefault(identity(rows, place), place)
        if earlier != place:
            yield place, earlier


def identity(rows: Rows, row: int) -> tuple[object, ...]:
    """What makes a row the same as another: its name in the key column, or else inputs, label and task."""
    if rows.ids is not None and rows.ids[row] is not None:
        return (rows.ids[row],)
    task = None if rows.tasks is None else rows.tasks[row]
    return int(rows.keys[row]), rows.labels[row], task
