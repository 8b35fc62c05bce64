"""Which training rows of a task a stream may keep, as the job's `retain` says."""

from __future__ import annotations

from typing import Literal

import numpy as np

from growlearn.domain.job import RetainPerClass
from growlearn.ingest.rows import Rows


def retained(rows: Rows, rule: Literal["none", "all"] | RetainPerClass) -> Rows | None:
    """The rows that may be kept, in their order; None where none may.

    Of a class with more rows than allowed those with the smallest keys are kept: a random choice (keys are
    hashes) that the same rows always make again.
    """
    if rule == "none":
        return None
    if rule == "all":
        return rows
    order = np.argsort(rows.keys, kind="stable")
    kept = [
        order[np.flatnonzero(rows.labels[order] == label)[: rule.per_class]]
        for label in dict.fromkeys(rows.labels)
    ]
    return rows.take(np.sort(np.concatenate(kept)))
