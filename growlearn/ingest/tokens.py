"""The token column of an Arrow table -> ids of fixed length, with the errors of invalid rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import InputColumn
from growlearn.ingest.columns import null_mask, unwrap_column
from growlearn.ingest.lists import (
    as_number_lists,
    get_depth_and_leaf_type,
    get_list_lengths,
    to_numpy_numbers,
)
from growlearn.ingest.parquet_codec import PADDING
from growlearn.ingest.row_errors import RowError, RowErrors, mark_rows
from growlearn.ingest.rows import Column
from growlearn.ingest.spool import allocate

_EXPECTED_TOKENS = (
    "lists of token ids, or text such as '17 4 230' or '[17, 4, 230]': tokenise text before it is sent"
)


def decode_tokens(column: Any, name: str, spec: InputColumn, row_errors: RowErrors) -> Column:
    """Column as int32 [N, length], cut to the first `length` ids and filled up with PADDING.

    Rows without an id, or with one that is no whole number in 0..vocabulary - 1, even beyond the cut, are
    marked as errors. Raises InvalidFile for a column that holds no lists of numbers.
    """
    assert spec.vocabulary is not None
    assert spec.length is not None
    column = unwrap_column(column)
    mark_rows(row_errors, null_mask(column), RowError(f"{name} is missing"))
    column = as_number_lists(column, name, _EXPECTED_TOKENS, row_errors)
    if get_depth_and_leaf_type(column.type)[0] != 1:
        raise InvalidFile(f"column {name!r} is {column.type}, lists in lists; wanted {_EXPECTED_TOKENS}")
    column = column.combine_chunks()
    lengths = get_list_lengths(column)
    mark_rows(row_errors, lengths == 0, RowError(f"{name} has no token"))
    values = column.flatten()
    row_indices = np.repeat(np.arange(len(column)), lengths)
    positions = np.arange(len(values)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    missing = np.asarray(values.is_null().to_numpy(zero_copy_only=False), dtype=bool)
    mark_rows(row_errors, row_indices[missing], RowError(f"{name} has a missing id"))
    numbers = to_numpy_numbers(values)
    is_valid = _check_token_ids(numbers, row_indices, positions, name, spec.vocabulary, row_errors)
    is_kept = is_valid & (positions < spec.length)
    ids = allocate((len(column), spec.length), np.int32)
    ids.fill(PADDING)
    ids[row_indices[is_kept], positions[is_kept]] = numbers[is_kept].astype(np.int32)
    return ids


def _check_token_ids(
    numbers: Column, row_indices: Column, positions: Column, name: str, vocabulary: int, row_errors: RowErrors
) -> Column:
    """Mask of the values that are ids; rows with other values are marked, with the first such value."""
    is_finite = np.isfinite(numbers)
    mark_rows(row_errors, row_indices[~is_finite], RowError(f"{name} has a NaN or infinite id"))
    is_whole = is_finite & (np.floor(np.where(is_finite, numbers, 0)) == numbers)
    for index in np.flatnonzero(is_finite & ~is_whole):
        row_error = RowError(
            f"{name} has an id that is no whole number", f": {numbers[index]:g} at place {positions[index]}"
        )
        row_errors.setdefault(int(row_indices[index]), row_error)
    is_valid = np.asarray(is_whole & (numbers >= 0) & (numbers < vocabulary))
    for index in np.flatnonzero(is_whole & ~is_valid):
        kind = f"{name} has an id outside 0..{vocabulary - 1}"
        row_errors.setdefault(
            int(row_indices[index]), RowError(kind, f": {int(numbers[index])} at place {positions[index]}")
        )
    return is_valid
