"""The time series column of an Arrow table -> float64 values, with the rows that hold no such series."""

from __future__ import annotations

from typing import Any

import numpy as np

from growlearn.domain.errors import UnreadableFile
from growlearn.domain.schema import Input
from growlearn.ingest.columns import nulls, plain
from growlearn.ingest.flaws import Flaw, Flaws, flag
from growlearn.ingest.lists import Forms, depth_and_leaf, equal_lists, readable
from growlearn.ingest.rows import Column


def decode_series(column: Any, name: str, spec: Input, flaws: Flaws) -> Column:
    """Column as float64 [N, steps, channels]; rows of another size, or with no number in it, are flagged.

    Read are lists of steps, each a list of channels, and flat lists, step after step; or either as text.
    Raises UnreadableFile for a column that holds no lists of numbers.
    """
    assert spec.shape is not None
    steps, channels = spec.shape
    forms: Forms = {1: (steps * channels,), 2: (steps, channels)}
    wanted = (
        f"lists of {steps} steps of {channels} numbers, or of {steps * channels} numbers, or text of them"
    )
    column = plain(column)
    flag(flaws, nulls(column), Flaw(f"{name} is missing"))
    column = readable(column, name, wanted, flaws, nested=(steps, channels))
    if depth_and_leaf(column.type)[0] not in forms:
        raise UnreadableFile(f"column {name!r} is {column.type}; wanted {wanted}")
    rows, numbers = equal_lists(column, name, forms, flaws)
    unknown = ~np.isfinite(numbers).all(axis=1)
    flag(flaws, rows[unknown], Flaw(f"{name} has missing, NaN or infinite values"))
    values = np.zeros((len(column), steps, channels))
    # + 0.0: minus zero and zero are one number
    values[rows] = numbers.astype(np.float64).reshape(-1, steps, channels) + 0.0
    return values
