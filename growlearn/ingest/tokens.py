"""The token column of an Arrow table -> ids of fixed length, with the rows that hold no such ids."""

from __future__ import annotations

from typing import Any

import numpy as np

from growlearn.domain.errors import UnreadableFile
from growlearn.domain.schema import Input
from growlearn.ingest.columns import nulls, plain
from growlearn.ingest.flaws import Flaw, Flaws, flag
from growlearn.ingest.lists import depth_and_leaf, lengths_of, numbers_of, readable
from growlearn.ingest.rows import Column
from growlearn.ingest.stored import PADDING

_WANTED = "lists of token ids, or text such as '17 4 230' or '[17, 4, 230]': tokenise text before it is sent"


def decode_tokens(column: Any, name: str, spec: Input, flaws: Flaws) -> Column:
    """Column as int32 [N, length], cut to the first `length` ids and filled up with PADDING.

    Rows without an id, or with one that is no whole number of 0..vocabulary - 1, are flagged, be it beyond
    the cut. Raises UnreadableFile for a column that holds no lists of numbers.
    """
    assert spec.vocabulary is not None
    assert spec.length is not None
    column = plain(column)
    flag(flaws, nulls(column), Flaw(f"{name} is missing"))
    column = readable(column, name, _WANTED, flaws)
    if depth_and_leaf(column.type)[0] != 1:
        raise UnreadableFile(f"column {name!r} is {column.type}, lists in lists; wanted {_WANTED}")
    column = column.combine_chunks()
    lengths = lengths_of(column)
    flag(flaws, lengths == 0, Flaw(f"{name} has no token"))
    values = column.flatten()
    row_of = np.repeat(np.arange(len(column)), lengths)
    place_of = np.arange(len(values)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    missing = np.asarray(values.is_null().to_numpy(zero_copy_only=False), dtype=bool)
    flag(flaws, row_of[missing], Flaw(f"{name} has a missing id"))
    found = numbers_of(values)
    sound = _sound(found, row_of, place_of, name, spec.vocabulary, flaws)
    kept = sound & (place_of < spec.length)
    ids = np.full((len(column), spec.length), PADDING, np.int32)
    ids[row_of[kept], place_of[kept]] = found[kept].astype(np.int32)
    return ids


def _sound(
    found: Column, row_of: Column, place_of: Column, name: str, vocabulary: int, flaws: Flaws
) -> Column:
    """Mask of the values that are ids; each other's row is flagged, with the first such value."""
    finite = np.isfinite(found)
    flag(flaws, row_of[~finite], Flaw(f"{name} has a NaN or infinite id"))
    whole = finite & (np.floor(np.where(finite, found, 0)) == found)
    for at in np.flatnonzero(finite & ~whole):
        flaw = Flaw(f"{name} has an id that is no whole number", f": {found[at]:g} at place {place_of[at]}")
        flaws.setdefault(int(row_of[at]), flaw)
    sound = np.asarray(whole & (found >= 0) & (found < vocabulary))
    for at in np.flatnonzero(whole & ~sound):
        kind = f"{name} has an id outside 0..{vocabulary - 1}"
        flaws.setdefault(int(row_of[at]), Flaw(kind, f": {int(found[at])} at place {place_of[at]}"))
    return sound
