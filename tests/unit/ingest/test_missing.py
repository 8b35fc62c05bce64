"""Rows with missing values: kept, alike in every format, and unlike every other row."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import BadRow, WindowState
from growlearn.ingest.missing import missing_mask
from growlearn.ingest.rows import from_parquet, hash_rows, make_dummy_row, object_column, to_parquet
from growlearn.ingest.table_rows import read_table_rows
from growlearn.serving.frame_rows import read_frame_rows

NULLABLE = {
    "x": InputColumn(type=InputType.NUMBER),
    "colour": InputColumn(type=InputType.CATEGORY),
    "paid": InputColumn(type=InputType.BOOLEAN),
    "at": InputColumn(type=InputType.DATETIME),
}
SCHEMA = Schema(inputs=NULLABLE, label="y")
CSV = b"x,colour,paid,at,y\n1.5,red,true,2013-01-01 05:00,0\n,,,,1\nNA,blue,False,NaT,1\n"
COLUMNS: Mapping[str, list[Any]] = {
    "x": [1.5, None, None],
    "colour": ["red", None, "blue"],
    "paid": [True, None, False],
    "at": [pd.Timestamp("2013-01-01 05:00"), None, None],
    "y": [0, 1, 1],
}


def arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def test_missing_values_are_the_same_rows_in_every_format(parquet: Callable[[Any], bytes]) -> None:
    files = {"a.csv": CSV, "b.parquet": parquet(COLUMNS), "c.arrow": arrow(pa.table(dict(COLUMNS)))}
    all_rows = []
    for name, content in files.items():
        rows, bad = read_table_rows({name: content}, SCHEMA)
        assert bad == ()
        all_rows.append(rows)
    manifest = Manifest(stream="s", schema=SCHEMA, model=ModelConfig(), branches=(), tasks=())
    frame = pd.DataFrame({name: values for name, values in COLUMNS.items() if name != "y"})
    all_rows.append(read_frame_rows(frame, manifest))
    objects = frame.astype(object).where(frame.notna(), None)  # as MLflow makes them of JSON
    all_rows.append(read_frame_rows(objects, manifest))
    zoned = frame.assign(at=frame["at"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"))
    all_rows.append(read_frame_rows(zoned, manifest))
    for rows in all_rows:
        assert [missing_mask(rows.inputs[name]).tolist() for name in NULLABLE] == [
            [False, True, True],
            [False, True, False],
            [False, True, False],
            [False, True, True],
        ]
        assert rows.row_hashes.tolist() == all_rows[0].row_hashes.tolist()


def test_a_file_with_missing_values_is_one_accepted_window_of_all_its_rows(
    make_stream: Callable[..., Any],
) -> None:
    stream = make_stream(SCHEMA)
    stream.ingest({"a.csv": CSV})
    (window,) = stream.windows
    assert (window.state, window.rows, window.quarantined_rows) == (WindowState.ACCEPTED, 3, 0)
    rows = from_parquet(stream.artifacts.get(window.snapshot), SCHEMA)
    assert hash_rows(rows.inputs, SCHEMA).tolist() == rows.row_hashes.tolist()
    assert to_parquet(rows, SCHEMA) == stream.artifacts.get(window.snapshot)


@pytest.mark.parametrize("name", NULLABLE)
def test_a_required_column_rejects_rows_without_a_value(name: str) -> None:
    schema = replace(SCHEMA, inputs={**NULLABLE, name: replace(NULLABLE[name], required=True)})
    rows, bad = read_table_rows({"a.csv": CSV}, schema)
    expected = (1, 2) if name in ("x", "at") else (1,)
    assert bad == tuple(BadRow(row=row, reason=f"{name} is missing") for row in expected)
    assert len(rows) == 3 - len(expected)


def test_an_empty_text_is_missing_as_in_a_csv_and_other_words_are_values(
    parquet: Callable[[Any], bytes],
) -> None:
    schema = Schema(inputs={"colour": NULLABLE["colour"]}, label="y")
    table = {"colour": ["", None, "NA", "None"], "y": [0, 1, 0, 1]}
    rows, bad = read_table_rows({"a.parquet": parquet(table)}, schema)
    assert (rows.inputs["colour"].tolist(), bad) == ([None, None, "NA", "None"], ())


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("x", np.array([np.nan, 0.0, 1.0, -1e300])),
        ("colour", object_column([None, "", "None", "nan", "missing"])),
        ("paid", object_column([None, "true", "false"])),
        ("at", np.array(["NaT", "1970-01-01", "2013-01-01"], "datetime64[us]")),
    ],
)
def test_a_missing_value_hashes_apart_from_every_other(name: str, column: Any) -> None:
    hashes = hash_rows({name: column}, Schema(inputs={name: NULLABLE[name]}))
    assert len(set(hashes.tolist())) == len(column)


def test_every_nan_is_the_same_missing_number() -> None:
    other_nan = np.array([0x7FF8000000000001], np.uint64).view(np.float64)
    schema = Schema(inputs={"x": NULLABLE["x"]})
    hashes = [hash_rows({"x": column}, schema)[0] for column in (other_nan, np.array([np.nan]))]
    assert hashes[0] == hashes[1]


def test_a_dummy_row_has_no_values() -> None:
    assert all(
        missing_mask(column).all() for name, column in make_dummy_row(SCHEMA).inputs.items() if name != "x"
    )
