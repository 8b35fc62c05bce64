"""A file whose columns are not those of the file before it: the reason names the column."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.schema_change import describe_schema_change
from growlearn.ingest.table_rows import read_table_rows

NUMBER, CATEGORY = InputColumn(type=InputType.NUMBER), InputColumn(type=InputType.CATEGORY)
SCHEMA = Schema(inputs={"delay": NUMBER, "carrier": CATEGORY}, label="late", task="airport")
GOOD: dict[str, list[object]] = {
    "delay": [1.5, 2.0],
    "carrier": ["UA", "DL"],
    "airport": ["JFK", "JFK"],
    "late": [0, 1],
}


def write(write_table: Callable[..., None]) -> Callable[[Mapping[str, list[object]]], bytes]:
    def encode(columns: Mapping[str, list[object]]) -> bytes:
        sink = io.BytesIO()
        write_table(pa.table(dict(columns)), sink)
        return sink.getvalue()

    return encode


FORMATS = {
    "csv": write(pacsv.write_csv),
    "parquet": write(pq.write_table),
    "arrow": write(feather.write_feather),
}


def renamed(old: str, new: str) -> dict[str, list[object]]:
    return {new if name == old else name: values for name, values in GOOD.items()}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (renamed("delay", "Delay"), r"column 'delay' is missing \(did you mean 'Delay'\?\)"),
        (renamed("carrier", "airline"), "column 'carrier' is missing; the file has 'delay', 'airline'"),
        (renamed("airport", "origin"), "column 'airport' is missing"),
        (renamed("late", "lat"), r"column 'late' is missing \(did you mean 'lat'\?\)"),
        (
            {**GOOD, "delay": ["none", "long"]},
            "column 'delay' (holds text such as 'long'|is string); wanted numbers",
        ),
    ],
)
def test_the_column_that_changed_is_named(suffix: str, columns: dict[str, list[object]], reason: str) -> None:
    rows, _ = read_table_rows({f"a.{suffix}": FORMATS[suffix](GOOD)}, SCHEMA)
    assert len(rows) == 2
    with pytest.raises(InvalidFile, match=reason):
        read_table_rows({f"b.{suffix}": FORMATS[suffix](columns)}, SCHEMA)


def test_what_differs_between_two_schemas_is_told_column_by_column() -> None:
    image = InputColumn(type=InputType.IMAGE, shape=(1, 8, 8))
    after = Schema(inputs={"delay": image, "hour": NUMBER}, label="late", id_column="flight")
    assert describe_schema_change(SCHEMA, after) == (
        "column 'delay' was number and is image (shape (1, 8, 8)); column 'carrier' is no input any more; "
        "column 'hour' is a new input; the task was column 'airport' and is none; "
        "the id column was none and is column 'flight'"
    )
    assert describe_schema_change(SCHEMA, SCHEMA) == ""
