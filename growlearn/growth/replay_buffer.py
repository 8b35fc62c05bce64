"""The training rows of a task that the job's `retain` lets the stream store."""

from __future__ import annotations

from typing import Literal

import numpy as np

from growlearn.domain.job import RetainPerClass
from growlearn.ingest.rows import Column, Rows

_GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)  # multiples of it are spread evenly


def select_replay_rows(rows: Rows, rule: Literal["none", "all"] | RetainPerClass) -> Rows | None:
    """The rows to store, in their order; None where the job retains none.

    Of a class with more rows than allowed, those with the smallest row hashes are selected: a random choice
    that is the same for the same rows. Copies of a row are spread over all hashes, so that they are as
    frequent among the selected rows as among all.
    """
    if rule == "none":
        return None
    if rule == "all":
        return rows
    order = np.argsort(_spread_copies(rows.row_hashes), kind="stable")
    kept_indices = [
        order[np.flatnonzero(rows.labels[order] == label)[: rule.per_class]]
        for label in dict.fromkeys(rows.labels)
    ]
    return rows.take(np.sort(np.concatenate(kept_indices)))


def _spread_copies(row_hashes: Column) -> Column:
    """Row hashes, uint64 [N], in which the first of equal ones stays and the others are moved apart."""
    order = np.argsort(row_hashes, kind="stable")
    _, starts, inverse = np.unique(row_hashes[order], return_index=True, return_inverse=True)
    copy_number = np.empty(len(order), np.uint64)
    copy_number[order] = np.arange(len(order)) - starts[inverse]  # 0 for the first of equal hashes
    spread: Column = row_hashes + copy_number * _GOLDEN_RATIO  # modulo 2^64
    return spread
