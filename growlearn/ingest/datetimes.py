"""Date and time columns of an Arrow table -> times in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from growlearn.domain.errors import InvalidFile
from growlearn.ingest.columns import is_text_type, null_where_missing, truncate_repr, unwrap_column
from growlearn.ingest.row_errors import RowError, RowErrors, mark_rows
from growlearn.ingest.rows import Column

_MICROSECONDS = pa.timestamp("us")
_MICROSECONDS_UTC = pa.timestamp("us", "UTC")
_MICROSECONDS_PER_UNIT = {
    "ms": 10**3,
    "s": 10**6,
    "date64[ms]": 10**3,
    "date32[day]": 86_400 * 10**6,
}
_YEAR_FIRST = re.compile(r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")


def decode_datetimes(column: Any, name: str, row_errors: RowErrors) -> Column:
    """Column as datetime64[us] [N] in UTC, NaT where it is missing; finer parts of a time are dropped.

    A time with a zone is converted to UTC, one without is taken as UTC, a date is its midnight. Text is read
    as ISO 8601, whose date may be written 2026/1/31 or 2026.01.31 too; unreadable cells are marked as errors.
    Raises InvalidFile for a column that holds no times.
    """
    column = unwrap_column(column)
    arrow_type = column.type
    if column.null_count == len(column) or (pt.is_floating(arrow_type) and pc.all(pc.is_nan(column)).as_py()):
        return np.full(len(column), "NaT", "datetime64[us]")
    if pt.is_timestamp(arrow_type) or pt.is_date(arrow_type):
        times = _to_microseconds(column, name, row_errors)
    elif is_text_type(arrow_type):
        times = _parse_times(column, name, row_errors)
    else:
        raise InvalidFile(
            f"column {name!r} is {arrow_type}; wanted times",
            hint="write timestamps, dates, or text such as 2026-01-31T08:15:00+01:00",
        )
    return np.asarray(times.cast(_MICROSECONDS).to_numpy())


def _to_microseconds(column: Any, name: str, row_errors: RowErrors) -> Any:
    """Timestamps or dates in microseconds; finer ones rounded down, those beyond 64 bits marked as errors."""
    arrow_type, zone = column.type, getattr(column.type, "tz", None)
    unit = str(arrow_type) if pt.is_date(arrow_type) else arrow_type.unit
    if unit == "ns":
        return pc.floor_temporal(column, unit="microsecond").cast(pa.timestamp("us", zone))
    if unit == "us":
        return column
    limit = 2**63 // _MICROSECONDS_PER_UNIT[unit]
    counts = column.cast(pa.int32() if pt.is_date32(arrow_type) else pa.int64()).cast(pa.int64())
    is_beyond = pc.or_(pc.greater_equal(counts, limit), pc.less_equal(counts, -limit))
    mark_rows(row_errors, np.asarray(pc.fill_null(is_beyond, False)), RowError(f"{name} is not a time"))
    return pc.if_else(is_beyond, pa.scalar(None, arrow_type), column).cast(pa.timestamp("us", zone))


def _parse_times(column: Any, name: str, row_errors: RowErrors) -> Any:
    """Text as times; cells are read one by one only where Arrow cannot read them all."""
    column = column.cast(pa.string())
    times = _cast_to_times(column)
    if times is None:
        column = null_where_missing(column)
        times = _cast_to_times(_with_hyphens(column))
    if times is not None:
        return times
    cells = column.to_pylist()
    parsed = [None if cell is None else _parse_time(cell) for cell in cells]
    invalid_rows = [row for row, time in enumerate(parsed) if time is None and cells[row] is not None]
    if len(invalid_rows) == len(cells) - column.null_count:
        raise InvalidFile(
            f"column {name!r} holds text such as {truncate_repr(cells[invalid_rows[0]])}; wanted times",
            hint="write ISO 8601, such as 2026-01-31T08:15:00+01:00",
        )
    for row in invalid_rows:
        row_errors.setdefault(row, RowError(f"{name} is not a time", f": {truncate_repr(cells[row])}"))
    return pa.chunked_array([pa.array(parsed, _MICROSECONDS_UTC)])


def _with_hyphens(column: Any) -> Any:
    """Dates written 2026/01/31 or 2026.01.31 as Arrow reads them: 2026-01-31."""
    return pc.replace_substring_regex(column, r"^(\d{4})[/.](\d\d)[/.](\d\d)\b", r"\1-\2-\3")


def _cast_to_times(column: Any) -> Any | None:
    """Arrow's reading of a column whose cells all have a zone, or none of them; None for others."""
    for arrow_type in (_MICROSECONDS, _MICROSECONDS_UTC):
        try:
            return column.cast(arrow_type)
        except pa.ArrowInvalid:
            continue
    return None


def _parse_time(cell: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(_YEAR_FIRST.sub(_write_date, cell.strip()))
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _write_date(match: re.Match[str]) -> str:
    year, month, day = match.groups()
    return f"{year}-{month:0>2}-{day:0>2}"
