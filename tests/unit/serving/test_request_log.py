"""Which answered rows are logged, and what a reader of the source finds of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.ingest.table_rows import read_table_rows
from growlearn.serving.json_rows import JsonRows
from growlearn.serving.predictor import Answers
from growlearn.serving.request_log import (
    DropReason,
    Selection,
    encode_log,
    make_new_ids,
    select_rows,
    take_logged_rows,
)

SCHEMA = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)}, label="y", id_column="id")
TASKS = replace(SCHEMA, task="task")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def parse(records: Sequence[dict[str, Any]]) -> JsonRows:
    """Records whose x is a number are valid."""
    positions = [at for at, record in enumerate(records) if "x" in record]
    inputs = {"x": np.array([records[at]["x"] for at in positions], np.float64)}
    tasks = object_column([records[at].get("task") for at in positions])
    rows = Rows(inputs, object_column([None] * len(positions)), tasks, hash_rows(inputs, SCHEMA))
    return JsonRows(rows, np.array(positions, np.int64), {})


def select(records: Sequence[dict[str, Any]], schema: Schema = SCHEMA, sample: float = 1.0) -> Selection:
    return select_rows(records, parse(records), schema, sample, make_new_ids())


def answers(count: int) -> Answers:
    return Answers(
        object_column([index % 2 for index in range(count)]),
        np.linspace(0.5, 1, count),
        object_column(["a"] * count),
        np.zeros((count, 0)),
    )


def test_a_row_keeps_its_own_id_and_others_get_new_ones() -> None:
    selection = select([{"x": 1, "id": "k-1"}, {"bad": 1}, {"x": 2}, {"x": 3, "id": 7}, {"x": 4, "id": None}])
    own, bad, new, number, null = selection.ids
    assert (own, bad, number) == ("k-1", None, 7)
    assert len({new, null}) == 2
    assert all(isinstance(made, str) and len(made) == 24 for made in (new, null))
    assert selection.indices.tolist() == [0, 1, 2, 3]
    assert not selection.dropped


@pytest.mark.parametrize("row_id", ["", "  ", True, 1.5, ["a"], "x" * 201])
def test_what_is_no_id_is_not_logged(row_id: Any) -> None:
    selection = select([{"x": 1, "id": row_id}, {"x": 2, "id": "k"}])
    assert (selection.ids, selection.indices.tolist()) == ((None, "k"), [1])
    assert selection.dropped == {DropReason.INVALID_ID: 1}


def test_a_sample_is_chosen_by_id_alone() -> None:
    records = [{"x": index, "id": index} for index in range(2000)]
    chosen = {row_id for row_id in select(records, sample=0.25).ids if row_id is not None}
    assert 400 < len(chosen) < 600
    backwards = select([{"x": 0, "id": str(record["id"])} for record in reversed(records)], sample=0.25)
    assert {int(row_id) for row_id in backwards.ids if row_id is not None} == chosen
    assert chosen < {row_id for row_id in select(records, sample=0.5).ids if row_id is not None}


def test_rows_of_a_task_column_are_logged_where_they_name_one() -> None:
    selection = select([{"x": 1, "task": "a", "id": 1}, {"x": 2, "id": 2}], TASKS)
    assert (selection.ids, selection.dropped) == ((1, None), {DropReason.NO_TASK: 1})


def test_rows_of_a_version_with_other_columns_are_not_logged() -> None:
    records = [{"x": 1}]
    selection = select_rows(records, parse(records), SCHEMA, 1.0, make_new_ids(), reads_same_columns=False)
    assert (selection.ids, selection.dropped) == ((None,), {DropReason.OTHER_SCHEMA: 1})


def test_a_file_has_the_rows_and_what_was_answered() -> None:
    records: list[dict[str, Any]] = [{"x": 1, "id": "a"}, {"bad": 0}, {"x": 2, "id": True}, {"x": 3, "id": 7}]
    parsed, selection = parse(records), select(records)
    first = take_logged_rows(selection, parsed, answers(3), 4, AT)
    second = take_logged_rows(select([{"x": 9, "id": "b"}]), parse([{"x": 9}]), answers(1), 5, AT)
    content = encode_log([first, second], SCHEMA)

    rows, bad = read_table_rows({"served.parquet": content}, SCHEMA)
    assert rows.row_ids is not None
    assert (rows.inputs["x"].tolist(), rows.row_ids.tolist(), bad) == ([1, 3, 9], ["a", "7", "b"], ())
    table = pq.read_table(io.BytesIO(content))
    told = {name: table.column(f"growlearn_{name}").to_pylist() for name in ("version", "prediction", "task")}
    assert told == {"version": [4, 4, 5], "prediction": ["0", "0", "0"], "task": ["a", "a", "a"]}
    assert table.column("growlearn_probability").to_pylist() == [0.5, 1, 0.5]
    assert table.column("growlearn_at").to_pylist() == [AT] * 3


def test_new_ids_are_like_no_others_of_this_or_another_process() -> None:
    first, second = make_new_ids(), make_new_ids()
    made = [first() for _ in range(1000)] + [second() for _ in range(1000)]
    assert len(set(made)) == 2000
    assert made[:1000] == sorted(made[:1000])
