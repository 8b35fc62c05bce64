"""Which cells of a column hold no value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from growlearn.ingest.rows import Column


def missing_mask(column: Column) -> npt.NDArray[np.bool_]:
    """Mask [N] of the cells that are None, NaN or NaT; column [N] as in `Rows`.

    >>> missing_mask(np.array([1.0, np.nan])).tolist()
    [False, True]
    """
    if column.dtype == object:
        return np.array([cell is None for cell in column], dtype=bool)
    return np.asarray(np.isnat(column) if column.dtype.kind == "M" else np.isnan(column))
