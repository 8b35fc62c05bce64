"""Rows that occur again: those with an id that occurred before, and exact copies where a job drops them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growlearn.domain.schema import Schema
from growlearn.ingest.row_errors import RowError
from growlearn.ingest.rows import Column, Rows, to_label_array
from growlearn.ingest.table_rows import ParsedFile

Duplicates: TypeAlias = Literal["keep", "drop"]
"""What a job does with rows whose inputs, label and task are those of an earlier row."""


def reject_repeats(parsed: ParsedFile, schema: Schema, duplicates: Duplicates) -> ParsedFile:
    """A file's rows without those that repeat an earlier one, as `find_repeats` says; they become errors."""
    if duplicates == "keep" and parsed.rows.row_ids is None:
        return parsed
    first_rows = find_repeats(parsed.rows, duplicates)
    is_first = first_rows == np.arange(len(first_rows))
    if is_first.all():
        return parsed
    kind = "duplicate" if schema.id_column is None else f"duplicate {schema.id_column}"
    repeats = {
        int(parsed.source_rows[row]): RowError(kind, f" of row {parsed.source_rows[first_rows[row]]}")
        for row in np.flatnonzero(~is_first)
    }
    return replace(
        parsed,
        rows=parsed.rows.take(is_first),
        source_rows=parsed.source_rows[is_first],
        row_errors=parsed.row_errors | repeats,
    )


def find_repeats(rows: Rows, duplicates: Duplicates) -> Column:
    """The index of the row that each row repeats, int64 [N]; its own index where it repeats none.

    A row repeats an earlier one with its id. One without an id repeats the first with its inputs, label and
    task where duplicates are dropped, and none where they are kept.
    """
    codes = np.arange(len(rows)) if duplicates == "keep" else _encode_contents(rows)
    if rows.row_ids is not None:
        id_codes = _encode_cells(pa.array(rows.row_ids, pa.large_string()))  # -1 without an id
        codes = np.where(id_codes >= 0, id_codes, codes + id_codes.max(initial=0) + 1)
    _, first_rows, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.asarray(first_rows[inverse])


def _encode_contents(rows: Rows) -> Column:
    """A code for each row, int64 [N]; equal where inputs, label and task are."""
    codes = _encode_cells(pa.array(rows.row_hashes))
    tasks = [] if rows.tasks is None else [pa.array(rows.tasks, pa.large_string())]
    for cells in (to_label_array(rows.labels), *tasks):
        cell_codes = _encode_cells(cells) + 1  # 0 where it is missing
        codes = np.unique(codes * (cell_codes.max(initial=0) + 1) + cell_codes, return_inverse=True)[1]
    return codes


def _encode_cells(cells: Any) -> Column:
    """A code for each cell, int64 [N]: equal where the cells are, -1 where one is null."""
    indices = pc.fill_null(cells.dictionary_encode().indices, -1)
    return np.asarray(indices.to_numpy(zero_copy_only=False), dtype=np.int64)
