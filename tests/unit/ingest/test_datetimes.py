"""Date and time columns in every supported form."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from growlearn.domain.errors import InvalidFile
from growlearn.ingest.datetimes import decode_datetimes
from growlearn.ingest.row_errors import RowError, RowErrors

FIVE = datetime(2013, 1, 1, 5)  # noqa: DTZ001 - a time without a zone is meant
BERLIN = timezone(timedelta(hours=1))


def chunked(values: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([values if isinstance(values, pa.Array) else pa.array(values, kind)])


def decode(column: Any) -> list[str]:
    row_errors: RowErrors = {}
    times = decode_datetimes(chunked(column), "t", row_errors)
    assert (row_errors, times.dtype) == ({}, np.dtype("datetime64[us]"))
    return [str(time.astype("datetime64[s]")) for time in times]


@pytest.mark.parametrize(
    "column",
    [
        [FIVE, None],
        pa.array([FIVE, None], pa.timestamp("s")),
        pa.array([FIVE, None], pa.timestamp("ns")),
        [datetime(2013, 1, 1, 6, tzinfo=BERLIN), None],
        pa.array([FIVE.replace(tzinfo=UTC), None], pa.timestamp("us", "America/New_York")),
        ["2013-01-01 05:00:00", None],
        ["2013-01-01T05:00", ""],
        ["2013-01-01T05:00:00Z", "NaT"],
        ["2013-01-01T06:00:00+01:00", "NA"],
        ["2013-01-01T05:00:00.000000000", "null"],
        ["20130101T050000Z", " "],
        ["2013/01/01 05:00", ""],
        ["2013/1/1 05:00", "NA"],
        ["2013.01.01T06:00:00+01:00", None],
    ],
)
def test_times_are_utc_and_those_without_a_zone_are_taken_as_utc(column: Any) -> None:
    assert decode(column) == ["2013-01-01T05:00:00", "NaT"]


def test_a_date_is_its_midnight() -> None:
    for column in ([date(2013, 1, 2)], pa.array([date(2013, 1, 2)], pa.date64()), ["2013-01-02"]):
        assert decode(column) == ["2013-01-02T00:00:00"]


@pytest.mark.parametrize("cell", ["2013/01/02", "2013.01.02", "2013/1/2", "2013-1-2", " 2013/01/02 "])
def test_a_date_that_begins_with_its_year_is_read_with_other_signs_too(cell: str) -> None:
    assert decode([cell, "2013-01-03"]) == ["2013-01-02T00:00:00", "2013-01-03T00:00:00"]


@pytest.mark.parametrize(
    "cell", ["01/02/2013", "1.2.2013", "2013/02/30", "2013/1/234", "2013.01", "12013/01/02"]
)
def test_a_date_that_may_be_read_in_two_ways_is_not_guessed(cell: str) -> None:
    row_errors: RowErrors = {}
    times = decode_datetimes(chunked([cell, "2013-01-03"]), "t", row_errors)
    assert (np.isnat(times).tolist(), list(row_errors)) == ([True, False], [0])


def test_times_with_several_zones_and_without_one_are_read_one_by_one() -> None:
    cells = ["2013-07-01T05:00:00-04:00", "2013-01-01T05:00:00-05:00", "2013-01-01 05:00"]
    assert decode(cells) == ["2013-07-01T09:00:00", "2013-01-01T10:00:00", "2013-01-01T05:00:00"]


def test_a_cell_that_is_no_time_is_an_error_of_its_row() -> None:
    row_errors: RowErrors = {}
    cells = ["2013-02-30", "2013-02-28", "soon", "9999-12-31T23:59:59-01:00"]
    times = decode_datetimes(chunked(cells), "t", row_errors)
    assert np.isnat(times).tolist() == [True, False, True, True]
    assert row_errors == {row: RowError("t is not a time", f": {cells[row]!r}") for row in (0, 2, 3)}


@pytest.mark.parametrize(
    "column", [[1, 2], [1.5], ["red", None], [b"2013"], [True], pa.array([1], pa.time32("s"))]
)
def test_a_column_of_other_values_is_no_datetime_column(column: Any) -> None:
    with pytest.raises(InvalidFile, match=r"column 't' .*; wanted times"):
        decode_datetimes(chunked(column), "t", {})


def test_a_column_without_a_value_is_missing_throughout() -> None:
    assert decode(pa.nulls(2)) == decode(["", None]) == ["NaT", "NaT"]


@pytest.mark.parametrize(
    "far", [pa.array([2**60, 0], pa.timestamp("s")), pa.array([2**31 - 1, 0], pa.int32()).cast(pa.date32())]
)
def test_a_time_beyond_64_bits_of_microseconds_rejects_its_row(far: pa.Array) -> None:
    row_errors: RowErrors = {}
    times = decode_datetimes(pa.chunked_array([far]), "at", row_errors)
    assert (times[1], row_errors) == (np.datetime64(0, "us"), {0: RowError("at is not a time")})


def test_nanoseconds_before_1970_are_rounded_down_as_in_text() -> None:
    typed = pa.array([-1], pa.timestamp("ns"))
    assert decode_datetimes(pa.chunked_array([typed]), "at", {})[0] == np.datetime64(-1, "us")


def test_a_column_that_pandas_wrote_as_nan_holds_missing_times() -> None:
    column = pa.chunked_array([pa.array([float("nan"), None])])
    assert np.isnat(decode_datetimes(column, "at", {})).all()
