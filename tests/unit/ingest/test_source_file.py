"""Rows that are written as a source file are read back as they were."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, object_column
from growlearn.ingest.source_file import to_source_table
from growlearn.ingest.table_rows import read_table_rows
from growlearn.serving.json_rows import records_to_arrow_table

SCHEMA = Schema(
    inputs={
        "picture": InputColumn(type=InputType.IMAGE, shape=(3, 2, 2)),
        "amount": InputColumn(type=InputType.NUMBER),
        "colour": InputColumn(type=InputType.CATEGORY),
        "on": InputColumn(type=InputType.BOOLEAN),
        "at": InputColumn(type=InputType.DATETIME),
        "words": InputColumn(type=InputType.TOKENS, vocabulary=50, length=5),
        "trace": InputColumn(type=InputType.SERIES, shape=(3, 2)),
        "text": InputColumn(type=InputType.TEXT),
    },
    label="label",
    task="task",
    id_column="id",
)
RECORDS: list[dict[str, Any]] = [
    {
        "picture": list(range(12)), "amount": 0.1, "colour": "7.0", "on": True, "at": "2024-05-01 12:00",
        "words": [1, 2], "trace": [1.0, -2.5, 3.0, 4.0, 5.0, 1e-9], "text": " Two  words: naïve 猫 ",
    },
    {
        "picture": [255] * 12, "amount": None, "colour": None, "on": None, "at": None,
        "words": [49, 0, 3, 4, 5, 6], "trace": [0.0] * 6, "text": None,
    },
    {
        "picture": [0] * 12, "amount": -1e300, "colour": "NA", "on": False, "at": "1969-12-31T23:59:59.999",
        "words": [7], "trace": [-0.0] * 6, "text": "null",
    },
]  # fmt: skip


def write(rows: Rows, schema: Schema = SCHEMA) -> dict[str, bytes]:
    sink = io.BytesIO()
    pq.write_table(to_source_table(rows, schema), sink)
    return {"rows.parquet": sink.getvalue()}


def answered_rows() -> Rows:
    """Rows as they are parsed for a prediction, with ids and tasks."""
    sink = io.BytesIO()
    pq.write_table(records_to_arrow_table(RECORDS, SCHEMA), sink)
    rows, bad = read_table_rows({"asked.parquet": sink.getvalue()}, SCHEMA, for_prediction=True)
    assert (len(rows), bad) == (3, ())
    return replace(rows, row_ids=object_column(["a", "7", "007"]), tasks=object_column(["t", "t", "u"]))


def test_every_type_of_input_is_read_back_as_it_was() -> None:
    rows = answered_rows()
    read, bad = read_table_rows(write(rows), SCHEMA)
    assert bad == ()
    for name in SCHEMA.inputs:
        wanted, got = rows.inputs[name], read.inputs[name]
        assert wanted.dtype == got.dtype, name
        if wanted.dtype == object:
            assert wanted.tolist() == got.tolist(), name
        else:
            np.testing.assert_array_equal(wanted, got, name)
    assert read.row_hashes.tolist() == rows.row_hashes.tolist()
    assert (read.row_ids is not None, read.tasks is not None) == (True, True)
    assert [*map(list, read.columns()[-4:])] == [*map(list, rows.columns()[-4:])]  # label, task, hash, id
    assert list(read.labels) == [None, None, None]


def test_known_labels_are_written_too() -> None:
    rows = replace(answered_rows(), labels=object_column([1, None, 0]))
    assert list(read_table_rows(write(rows), SCHEMA)[0].labels) == [1, None, 0]


def test_images_are_read_back_where_one_is_white_too() -> None:
    picture = InputColumn(type=InputType.IMAGE, shape=(1, 16, 16), pixel_max=1)
    schema = Schema(inputs={"picture": picture})
    levels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    images = np.concatenate([levels, levels // 200])  # the second has 0 and 1 only
    labels = object_column([0, 1])
    read, bad = read_table_rows(
        write(Rows({"picture": images}, labels, None, np.zeros(2, np.uint64)), schema), schema
    )
    assert bad == ()
    np.testing.assert_array_equal(read.inputs["picture"], images)
