"""Copies of rows are kept, or dropped where the job says so; an id occurs once in any case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.domain.window import BadRow, WindowState
from growlearn.ingest.duplicates import find_repeats, reject_repeats
from growlearn.ingest.rows import Rows, from_parquet, hash_rows, object_column
from growlearn.ingest.table_rows import parse_file

PLAIN = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, label="y")
WITH_ID = Schema(inputs=PLAIN.inputs, label="y", id_column="id")


def rows_of(values: list[float], labels: list[Any], **columns: list[str | None]) -> Rows:
    inputs = {"x": np.array(values)}
    tasks, ids = (object_column(columns[name]) if name in columns else None for name in ("tasks", "ids"))
    return Rows(inputs, object_column(labels), tasks, hash_rows(inputs, PLAIN), ids)


@pytest.mark.parametrize(
    ("rows", "duplicates", "first_rows"),
    [
        (rows_of([1, 1, 1], [0, 0, 0]), "keep", [0, 1, 2]),
        (rows_of([1, 2, 1, 1], [0, 0, 0, 0]), "drop", [0, 1, 0, 0]),
        (rows_of([1, 1, 1, 1], [0, 1, None, 1]), "drop", [0, 1, 2, 1]),
        (rows_of([1, 1, 1], ["a", None, None]), "drop", [0, 1, 1]),
        (rows_of([1, 1, 1], [0, 0, 0], tasks=["a", "b", "a"]), "drop", [0, 1, 0]),
        (rows_of([1, 1, 2], [0, 0, 0], ids=["a", "b", "a"]), "keep", [0, 1, 0]),
        (rows_of([1, 1, 2], [0, 0, 0], ids=["a", "b", "a"]), "drop", [0, 1, 0]),
        (rows_of([1, 1, 1, 1], [0, 0, 0, 0], ids=[None, None, "a", "a"]), "keep", [0, 1, 2, 2]),
        (rows_of([1, 1, 1, 1], [0, 0, 0, 0], ids=[None, None, "a", "a"]), "drop", [0, 0, 2, 2]),
        (rows_of([], []), "drop", []),
    ],
)
def test_a_row_repeats_the_first_of_its_id_or_else_of_its_contents(
    rows: Rows, duplicates: Literal["keep", "drop"], first_rows: list[int]
) -> None:
    assert find_repeats(rows, duplicates).tolist() == first_rows


def test_a_repeat_is_named_by_its_index_in_the_file_and_a_bad_row_by_its_own_reason() -> None:
    parsed = parse_file({"a.csv": b"x,y\ninf,0\n1,0\ninf,0\n1,0\n"}, PLAIN)
    rejected = reject_repeats(parsed, PLAIN, "drop")
    reasons = {row: error.kind + error.detail for row, error in rejected.row_errors.items()}
    assert reasons == {0: "x is infinite", 2: "x is infinite", 3: "duplicate of row 1"}
    assert rejected.source_rows.tolist() == [1]


class TestStream:
    @pytest.mark.parametrize("rows", [None, 5])
    def test_copies_within_and_across_files_are_kept(
        self, make_stream: Callable[..., Any], rows: int | None
    ) -> None:
        stream = make_stream(PLAIN, rows)
        results = stream.ingest({"a.csv": b"x,y\n1,0\n1,0\n2,1\n", "b.csv": b"x,y\n1,0\n2,1\n"})
        assert [result.rows for result in results] == [3, 2]
        assert [result.bad_rows for result in results] == [(), ()]
        snapshots = [from_parquet(stream.artifacts.get(w.snapshot), PLAIN) for w in stream.windows]
        assert [x for rows in snapshots for x in rows.inputs["x"]] == [1, 1, 2, 1, 2]

    def test_copies_are_rejected_where_the_job_drops_them(self, make_stream: Callable[..., Any]) -> None:
        stream = make_stream(PLAIN, duplicates="drop")
        (result,) = stream.ingest({"a.csv": b"x,y\n1,0\n1,0\n1,1\n"})
        assert result.bad_rows == (BadRow(row=1, reason="duplicate of row 0", window="w1"),)
        assert stream.windows[0].rows == 2

    @pytest.mark.parametrize("rows", [None, 5])
    def test_a_file_sent_twice_is_recognised(self, make_stream: Callable[..., Any], rows: int | None) -> None:
        stream = make_stream(PLAIN, rows)
        content = b"x,y\n1,0\n1,0\n"
        stream.ingest({"a.csv": content})
        stream.ingest({"b.csv": content})
        assert stream.windows[0].rows == 2
        assert stream.windows[1].reason == "same content as a.csv, ingested before"

    def test_the_rows_of_a_file_sent_twice_in_another_format_are_recognised(
        self, make_stream: Callable[..., Any], parquet: Callable[[Any], bytes]
    ) -> None:
        stream = make_stream(PLAIN)
        stream.ingest({"a.csv": b"x,y\n1.2,True\n1.2,True\n"})
        stream.ingest({"b.parquet": parquet({"x": [1.2, 1.2], "y": [1, 1]})})
        assert stream.windows[1].state is WindowState.QUARANTINED
        assert stream.windows[1].reason == "same rows as window w1 (a.csv)"

    def test_an_id_is_a_key_even_where_copies_are_kept(self, make_stream: Callable[..., Any]) -> None:
        stream = make_stream(WITH_ID)
        (result,) = stream.ingest({"a.csv": b"id,x,y\n7,1,0\n8,1,0\n7.0,2,1\n"})
        assert result.bad_rows == (BadRow(row=2, reason="duplicate id of row 0", window="w1"),)
        assert stream.windows[0].rows == 2
