"""The time series column of an Arrow table -> float64 values, with the errors of invalid rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import InputColumn
from growlearn.ingest.columns import null_mask, unwrap_column
from growlearn.ingest.lists import ListShapes, as_number_lists, flatten_valid_lists, get_depth_and_leaf_type
from growlearn.ingest.row_errors import RowError, RowErrors, mark_rows
from growlearn.ingest.rows import Column
from growlearn.ingest.spool import allocate_zeros


def decode_series(column: Any, name: str, spec: InputColumn, row_errors: RowErrors) -> Column:
    """Column as float64 [N, steps, channels]; rows of another size or without numbers are marked as errors.

    Accepted are lists of steps, each a list of channels, and flat lists, step after step; or either as text.
    Raises InvalidFile for a column that holds no lists of numbers.
    """
    assert spec.shape is not None
    steps, channels = spec.shape
    shapes: ListShapes = {1: (steps * channels,), 2: (steps, channels)}
    wanted = (
        f"lists of {steps} steps of {channels} numbers, or of {steps * channels} numbers, or text of them"
    )
    column = unwrap_column(column)
    mark_rows(row_errors, null_mask(column), RowError(f"{name} is missing"))
    column = as_number_lists(column, name, wanted, row_errors, nested=(steps, channels))
    if get_depth_and_leaf_type(column.type)[0] not in shapes:
        raise InvalidFile(f"column {name!r} is {column.type}; wanted {wanted}")
    rows, numbers = flatten_valid_lists(column, name, shapes, row_errors)
    is_invalid = ~np.isfinite(numbers).all(axis=1)
    mark_rows(row_errors, rows[is_invalid], RowError(f"{name} has missing, NaN or infinite values"))
    values = allocate_zeros((len(column), steps, channels), np.float64)
    # + 0.0: -0.0 becomes 0.0
    values[rows] = numbers.astype(np.float64).reshape(-1, steps, channels) + 0.0
    return values
