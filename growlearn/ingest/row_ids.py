"""The id column of an Arrow table -> the id of each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.errors import InvalidFile
from growlearn.ingest.columns import decode_texts, unwrap_column
from growlearn.ingest.row_errors import RowError, RowErrors, mark_rows
from growlearn.ingest.rows import Column

_MAX_EXACT_INTEGER = 2.0**53  # above it a float cannot distinguish neighbouring integers


def decode_row_ids(column: Any, name: str, row_errors: RowErrors) -> Column:
    """Column as object [N] of str; whole numbers become their digits, so that 7 and "7" are one id.

    Rows without an id are marked as errors. Raises InvalidFile for a column of another kind, and for floats
    too large to identify a row.
    """
    column = unwrap_column(column)
    if pt.is_floating(column.type):
        largest = pc.max(pc.abs(column.cast(pa.float64()))).as_py()
        if largest is not None and largest > _MAX_EXACT_INTEGER:
            raise InvalidFile(
                f"column {name!r} holds row ids as floats that large numbers do not fit into",
                hint="write it as integers or text",
            )
    row_ids = decode_texts(column, name, row_errors)
    mark_rows(row_errors, np.asarray(row_ids == "", dtype=bool), RowError(f"{name} is an empty string"))
    return row_ids
