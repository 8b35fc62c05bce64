"""Whole files in each format, for training and for prediction."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import BadRow
from growlearn.ingest.table_rows import parse_file, read_table_rows
from tests.table_formats import arrow_csv, arrow_file

TABLE = pa.table(
    {"x": [1.5, -2.0, 1.5], "colour": ["red", "blue", "red"], "y": [0, 1, 1], "extra": [1, 2, 3]}
)


def arrow_stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def old_feather(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    feather.write_feather(table, sink, compression="lz4")
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.parquet", None),
        ("a.pq", None),
        ("A.PARQUET", None),
        ("a.csv", arrow_csv),
        ("a.arrow", arrow_file),
        ("a.ipc", arrow_stream),
        ("a.feather", old_feather),
    ],
)
def test_every_format_gives_the_same_rows(
    name: str,
    write: Callable[[pa.Table], bytes] | None,
    table_schema: Schema,
    parquet: Callable[[Any], bytes],
) -> None:
    rows, bad = read_table_rows({name: (write or parquet)(TABLE)}, table_schema)
    assert bad == ()
    assert rows.inputs["x"].tolist() == [1.5, -2.0, 1.5]
    assert rows.inputs["colour"].tolist() == ["red", "blue", "red"]
    assert rows.labels.tolist() == [0, 1, 1]
    assert rows.row_hashes[0] == rows.row_hashes[2] != rows.row_hashes[1]


def test_a_late_csv_cell_is_read_like_the_first(table_schema: Schema) -> None:
    """Guessing types from the first block would fail the file or turn 007 into 7."""
    lines = [f"{i},007,{i % 2}" for i in range(200_000)]
    content = "\n".join(["x,colour,y", *lines, "0.5,red,1", "oops,red,1", ""]).encode()
    rows, bad = read_table_rows({"a.csv": content}, table_schema)
    assert bad == (BadRow(row=200_001, reason="x is not a number: 'oops'"),)
    assert rows.inputs["x"][-1] == 0.5
    assert rows.inputs["colour"][0] == "007"


def test_a_csv_may_have_a_byte_order_mark_quotes_and_lines_within_cells(table_schema: Schema) -> None:
    content = '\ufeffx,colour,y\r\n1,"a\nb",""\r\n2,"c,d",1\r\n'.encode()
    rows, bad = read_table_rows({"a.csv": content}, table_schema)
    assert bad == ()
    assert rows.inputs["colour"].tolist() == ["a\nb", "c,d"]
    assert rows.labels.tolist() == [None, 1]


def test_labels_may_be_missing_in_part_or_as_a_whole(
    table_schema: Schema, parquet: Callable[[Any], bytes]
) -> None:
    part = TABLE.set_column(2, "y", pa.array([0, None, 1]))
    assert parse_file({"a.parquet": parquet(part)}, table_schema).rows.labels.tolist() == [0, None, 1]
    whole = parse_file({"a.parquet": parquet(TABLE.drop(["y"]).slice(0, 2))}, table_schema)
    assert whole.rows.labels.tolist() == [None, None]
    assert whole.note == "no column 'y': the rows have no labels yet"


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        (("7", "007"), "column 'x' is a number: '007' is read as 7"),
        (("0301234567", "8"), "column 'x' is a number: '0301234567' is read as 301234567"),
        ((" 1e3 ", "12"), "column 'x' is a number: '1e3' is read as 1000"),
        (("0", "10"), None),
        (("00.5", "07"), None),
        (("0x1F", "12"), None),  # no number: the row is quarantined
    ],
)
def test_codes_that_become_numbers_are_noted(
    table_schema: Schema, cells: tuple[str, str], note: str | None
) -> None:
    """A job that calls a column of codes a number gets 7 for 007, but not without a word."""
    content = f"x,colour,y\n{cells[0]},red,1\n{cells[1]},red,0\n".encode()
    assert parse_file({"a.csv": content}, table_schema).note == note
    assert parse_file({"a.csv": content}, table_schema, for_prediction=True).note is None


def test_cells_that_became_one_label_are_noted(table_schema: Schema) -> None:
    parsed = parse_file({"a.csv": b"x,colour,y\n1,a,7\n2,a,7.0\n"}, table_schema)
    assert parsed.rows.labels.tolist() == [7, 7]
    assert parsed.note == "label column 'y': '7' and '7.0' are read as 7"


def test_a_missing_task_column_or_a_missing_task_rejects_rows(
    task_schema: Schema, parquet: Callable[[Any], bytes]
) -> None:
    with pytest.raises(InvalidFile, match="column 'task' is missing"):
        parse_file({"a.parquet": parquet({"x": [1.0], "y": [0]})}, task_schema)
    columns = {"x": [1.0, 2.0, 3.0], "y": [0, 0, 0], "task": ["a", None, ""]}
    _, bad = read_table_rows({"a.parquet": parquet(columns)}, task_schema)
    assert [row.reason for row in bad] == ["task is missing", "task is missing"]


def test_token_lists_and_series_are_read_from_parquet_and_from_csv(parquet: Callable[[Any], bytes]) -> None:
    schema = Schema(
        inputs={
            "words": InputColumn(type=InputType.TOKENS, vocabulary=10, length=3),
            "trace": InputColumn(type=InputType.SERIES, shape=(2, 1)),
        },
        label="y",
    )
    columns = {"words": [[1, 2], [3, 4, 5, 6], [9]], "trace": [[0.5, 1], [2, 3], [4]], "y": [0, 1, 0]}
    lines = ["words,trace,y", '1 2,"[0.5, 1]",0', '"[3, 4, 5, 6]",2 3,1', "9,4,0", ""]
    for name, content in (("a.parquet", parquet(columns)), ("a.csv", "\n".join(lines).encode())):
        rows, bad = read_table_rows({name: content}, schema)
        assert rows.inputs["words"].tolist() == [[1, 2, -1], [3, 4, 5]]
        assert rows.inputs["trace"].tolist() == [[[0.5], [1.0]], [[2.0], [3.0]]]
        assert bad == (BadRow(row=2, reason="trace has the wrong size: lists of 1 where 2 are wanted"),)


class TestForPrediction:
    def test_neither_label_nor_task_is_needed(
        self, task_schema: Schema, parquet: Callable[[Any], bytes]
    ) -> None:
        rows, bad = read_table_rows(
            {"a.parquet": parquet({"x": [1.0, 1.0]})}, task_schema, for_prediction=True
        )
        assert (bad, rows.tasks, rows.labels.tolist()) == ((), None, [None, None])

    def test_a_task_column_is_read_and_a_label_is_ignored(
        self, task_schema: Schema, parquet: Callable[[Any], bytes]
    ) -> None:
        columns = {"x": [1.0, 1.0], "y": [[1], [2]], "task": [1, 2]}
        rows, bad = read_table_rows({"a.parquet": parquet(columns)}, task_schema, for_prediction=True)
        assert bad == ()
        assert rows.tasks is not None
        assert rows.tasks.tolist() == ["1", "2"]

    def test_inputs_are_checked_all_the_same(
        self, task_schema: Schema, parquet: Callable[[Any], bytes]
    ) -> None:
        with pytest.raises(InvalidFile, match="column 'x' is missing"):
            parse_file({"a.parquet": parquet({"z": [1.0]})}, task_schema, for_prediction=True)
        _, bad = read_table_rows({"a.parquet": parquet({"x": [np.inf]})}, task_schema, for_prediction=True)
        assert bad == (BadRow(row=0, reason="x is infinite"),)


class TestImageFolders:
    def test_class_folders_are_labels(self, image_schema: Schema, png: Callable[..., bytes]) -> None:
        blobs = {"dog/1.png": png(seed=1), "cat/1.jpg": png(seed=2, form="JPEG"), "cat/x/2.png": png(seed=3)}
        rows, bad = read_table_rows(blobs, image_schema)
        assert bad == ()
        assert rows.labels.tolist() == ["cat", "cat", "dog"]
        assert rows.inputs["image"].shape == (3, 1, 4, 4)

    def test_a_single_image_in_a_class_folder_is_a_window_of_one_row(
        self, image_schema: Schema, png: Callable[..., bytes]
    ) -> None:
        rows, _ = read_table_rows({"cat/1.png": png()}, image_schema)
        assert rows.labels.tolist() == ["cat"]

    def test_images_outside_class_folders_have_no_label_yet(
        self, image_schema: Schema, png: Callable[..., bytes]
    ) -> None:
        rows, _ = read_table_rows({"1.png": png(seed=1), "2.png": png(seed=2)}, image_schema)
        assert rows.labels.tolist() == [None, None]

    def test_bad_images_are_named(self, image_schema: Schema, png: Callable[..., bytes]) -> None:
        blobs = {"cat/1.png": png(), "cat/2.png": png(5, 5), "cat/3.png": b"", "cat/notes.txt": b"hello"}
        _, bad = read_table_rows(blobs, image_schema)
        assert [row.reason for row in bad] == [
            "image has the wrong size: 5x5, wanted 4x4 (width x height) in cat/2.png",
            "image is empty (0 bytes) in cat/3.png",
            "image is corrupt (neither PNG nor JPEG) in cat/notes.txt",
        ]

    def test_they_need_a_schema_of_one_image(
        self, table_schema: Schema, task_schema: Schema, image_schema: Schema, png: Callable[..., bytes]
    ) -> None:
        with pytest.raises(InvalidFile, match="a schema whose only input is one image"):
            read_table_rows({"cat/1.png": png()}, table_schema)
        named = Schema(inputs=image_schema.inputs, task="task")
        with pytest.raises(InvalidFile, match=r"has no column 'task' for schema\.task"):
            read_table_rows({"cat/1.png": png()}, named)

    def test_an_empty_folder_is_an_error(self, image_schema: Schema) -> None:
        with pytest.raises(InvalidFile, match="the folder is empty"):
            read_table_rows({}, image_schema)
