"""The training rows of a task that the job's `retain` lets the stream store."""

from __future__ import annotations

from typing import Literal

import numpy as np

from growlearn.domain.job import RetainPerClass
from growlearn.ingest.rows import Rows


def select_replay_rows(rows: Rows, rule: Literal["none", "all"] | RetainPerClass) -> Rows | None:
    """The rows to store, in their order; None where the job retains none.

    Of a class with more rows than allowed, those with the smallest row hashes are selected: a random choice
    that is the same for the same rows.
    """
    if rule == "none":
        return None
    if rule == "all":
        return rows
    order = np.argsort(rows.row_hashes, kind="stable")
    kept_indices = [
        order[np.flatnonzero(rows.labels[order] == label)[: rule.per_class]]
        for label in dict.fromkeys(rows.labels)
    ]
    return rows.take(np.sort(np.concatenate(kept_indices)))
