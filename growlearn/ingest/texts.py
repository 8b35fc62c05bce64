"""The text column of an Arrow table -> strings, with the errors of invalid rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import MAX_TEXT_LENGTH
from growlearn.ingest.columns import is_text_type, unwrap_column
from growlearn.ingest.row_errors import RowError, RowErrors, refuse_if_all
from growlearn.ingest.rows import Column
from growlearn.ingest.spelling import decode_utf8, is_bytes_type, to_nfc


def decode_free_texts(column: Any, name: str, row_errors: RowErrors) -> Column:
    """Column as object [N] of str, None where it is missing: null, empty, or nothing but spaces.

    A text is kept as it is written, in Unicode form NFC and without the spaces around it; words such as "NA"
    are words. Rows with more than MAX_TEXT_LENGTH characters are marked as errors, and get None. Raises
    InvalidFile for a column that holds anything but text.
    """
    column = unwrap_column(column)
    if column.null_count == len(column):
        return np.full(len(column), None, dtype=object)
    if is_bytes_type(column.type):
        column = decode_utf8(column, f"column {name!r}")
    if not is_text_type(column.type):
        raise InvalidFile(
            f"column {name!r} is {column.type}; wanted text",
            hint="write text, or give the column another type in schema.inputs",
        )
    column = pc.utf8_trim_whitespace(column.cast(pa.large_string()))
    lengths = np.asarray(pc.fill_null(pc.utf8_length(column), 0).to_numpy(), dtype=np.int64)
    refuse_if_all(lengths > MAX_TEXT_LENGTH, f"{name} is too long")
    for row in np.flatnonzero(lengths > MAX_TEXT_LENGTH):
        detail = f": {lengths[row]:,} characters, at most {MAX_TEXT_LENGTH:,} are a text"
        row_errors.setdefault(int(row), RowError(f"{name} is too long", detail))
    is_kept = pa.array((lengths > 0) & (lengths <= MAX_TEXT_LENGTH))
    return _to_strings(pc.if_else(is_kept, column, pa.scalar(None, pa.large_string())))


def _to_strings(column: Any) -> Column:
    """Large strings as object [N] in form NFC, None where null."""
    texts = np.asarray(column.to_numpy(zero_copy_only=False), dtype=object)
    needs_nfc = np.asarray(pc.fill_null(pc.invert(pc.string_is_ascii(column)), False).to_numpy())
    for row in np.flatnonzero(needs_nfc.astype(bool)):
        texts[row] = to_nfc(texts[row])
    return texts
