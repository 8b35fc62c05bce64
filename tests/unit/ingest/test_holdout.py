"""Hold-out rows from separate files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from growlearn.domain.errors import CannotGrow
from growlearn.domain.schema import Schema
from growlearn.ingest.holdout import load_holdout

FILES = {
    "test/a.csv": {"a.csv": b"x,y,task\n1,0,a\n2,1,b\n3,,a\ninf,0,a\n"},
    "test/b.csv": {"b.csv": b"x,y,task\n4,1,a\n"},
}


def test_labelled_valid_rows_of_one_task_are_read_from_all_files(task_schema: Schema) -> None:
    rows = load_holdout(FILES, task_schema, "a").rows
    assert rows.inputs["x"].tolist() == [1.0, 4.0]
    assert rows.labels.tolist() == [0, 1]


def test_row_hashes_are_those_of_every_tasks_rows(task_schema: Schema) -> None:
    holdout = load_holdout(FILES, task_schema, "a")
    assert len(holdout.row_hashes) == 3
    assert set(holdout.rows.row_hashes) < set(holdout.row_hashes)


def test_labels_are_read_as_the_kind_asked_for(task_schema: Schema) -> None:
    assert load_holdout(FILES, task_schema, "a", str).rows.labels.tolist() == ["0", "1"]


def test_hold_out_rows_need_no_id_though_the_schema_has_an_id_column(task_schema: Schema) -> None:
    holdout = load_holdout(FILES, replace(task_schema, id_column="id"), "a")
    assert (len(holdout.rows), holdout.rows.row_ids) == (2, None)


def test_a_task_without_rows_names_those_there_are(task_schema: Schema) -> None:
    with pytest.raises(CannotGrow, match=r"of task 'c' in 2 hold-out files \(tasks there: 'a', 'b'\) \(add"):
        load_holdout(FILES, task_schema, "c")


def test_no_files_at_all_is_an_error(task_schema: Schema) -> None:
    with pytest.raises(CannotGrow, match=r"in 0 hold-out files \(tasks there: none\)"):
        load_holdout({}, task_schema, "a")


def test_a_file_that_cannot_be_used_is_named(task_schema: Schema) -> None:
    with pytest.raises(CannotGrow, match=r"hold-out file test/c\.csv cannot be used: the file is empty"):
        load_holdout({**FILES, "test/c.csv": {"c.csv": b""}}, task_schema, "a")
