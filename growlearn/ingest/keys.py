"""The key column of an Arrow table -> what each row is called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.errors import UnreadableFile
from growlearn.ingest.columns import decode_texts, plain
from growlearn.ingest.flaws import Flaw, Flaws, flag
from growlearn.ingest.rows import Column

_EXACT = 2.0**53  # beyond it a float no longer tells neighbouring whole numbers apart


def decode_keys(column: Any, name: str, flaws: Flaws) -> Column:
    """Column as object [N] of str; whole numbers become their digits, so that 7 and "7" are one key.

    Rows without a key are flagged. Raises UnreadableFile for a column of another kind, and for floats too
    large to name a row.
    """
    column = plain(column)
    if pt.is_floating(column.type):
        largest = pc.max(pc.abs(column.cast(pa.float64()))).as_py()
        if largest is not None and largest > _EXACT:
            raise UnreadableFile(
                f"column {name!r} holds keys as floats that large numbers do not fit into",
                cure="write it as integers or text",
            )
    keys = decode_texts(column, name, flaws)
    flag(flaws, np.asarray(keys == "", dtype=bool), Flaw(f"{name} is an empty string"))
    return keys
