"""Rows of a database as one file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import time, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from growlearn.domain.errors import GrowLearnError, InvalidFile
from growlearn.domain.file_limits import DEFAULT_LIMITS

MAX_BYTES = DEFAULT_LIMITS.max_memory_bytes
"""Texts and bytes of one file: its rows lie in memory at once."""


def collect_rows(names: Sequence[str], rows: Iterable[Sequence[Any]], max_rows: int) -> list[list[Any]]:
    """The columns of a result; raises InvalidFile where they are too many or too large for one file."""
    duplicates = [name for index, name in enumerate(names) if name in names[:index]]
    if duplicates:
        raise GrowLearnError(
            f"source.sql.query gives two columns {duplicates[0]!r}", hint="name one of them anew, with AS"
        )
    columns: list[list[Any]] = [[] for _ in names]
    size = 0
    for number, row in enumerate(rows, 1):
        if number > max_rows:
            raise InvalidFile(
                f"more than {max_rows:,} rows come at once, because they share one key",
                hint="choose a key that tells rows apart, or raise source.sql.batch_rows",
            )
        for column, value in zip(columns, row, strict=True):
            size += len(value) if isinstance(value, str | bytes) else 0
            column.append(_to_plain(value))
        if size > MAX_BYTES:
            raise InvalidFile(
                f"the texts of its first {number:,} rows have more than {MAX_BYTES:,} bytes",
                hint="lower source.sql.batch_rows",
            )
    return columns


def _to_plain(value: Any) -> Any:
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value)):
        return json.dumps(value, default=str)
    return str(value) if isinstance(value, UUID | time | timedelta) else value


def make_file(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> Mapping[str, bytes]:
    """A Parquet file by its name; CSV where a column has values of several types, as SQLite allows.

    Each cell of CSV is then read by itself, so that a row with a text among numbers is rejected alone. Raises
    InvalidFile for values that neither can hold.
    """
    arrays = [_to_array(values) for values in columns]
    texts = [
        pa.array([None if value is None else str(value) for value in values], pa.string())
        if array is None
        else array
        for array, values in zip(arrays, columns, strict=True)
    ]
    table = pa.table(dict(zip(names, texts, strict=True)))
    sink = pa.BufferOutputStream()
    try:
        if None in arrays and not any(map(_has_no_text, table.schema.types)):
            pa.csv.write_csv(table, sink)
            return {"rows.csv": sink.getvalue().to_pybytes()}
        pq.write_table(table, sink)
    except pa.ArrowException as error:
        raise InvalidFile(
            f"its rows cannot be written as a file: {error}",
            hint="name the columns of the schema in source.sql.query, and cast others to text",
        ) from error
    return {"rows.parquet": sink.getvalue().to_pybytes()}


def _to_array(values: Sequence[Any]) -> pa.Array | None:
    """The values as one type; None where they have several."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None


def _has_no_text(arrow_type: pa.DataType) -> bool:
    return bool(pa.types.is_binary(arrow_type) or pa.types.is_nested(arrow_type))
