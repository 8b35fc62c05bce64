"""Keys, splits and the stored form, as properties of any rows."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growlearn.domain.schema import Input, InputType, Schema
from growlearn.ingest.rows import Rows, concat, from_parquet, object_column, row_keys, split, to_parquet

SCHEMA = Schema(
    inputs={
        "image": Input(type=InputType.IMAGE, shape=(1, 2, 3)),
        "x": Input(type=InputType.NUMBER),
        "colour": Input(type=InputType.CATEGORY),
    },
    task="task",
)

unhurried = settings(deadline=None, max_examples=60)  # a busy machine is no failure

numbers = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
int_labels = st.none() | st.integers(-(2**63), 2**63 - 1)
text_labels = st.none() | texts
images = st.binary(min_size=6, max_size=6)


def rows_of(records: list[tuple[Any, ...]]) -> Rows:
    """(image bytes, number, category, label, task) a row."""
    image, x, colour, label, task = zip(*records, strict=True) if records else ((),) * 5
    inputs: dict[str, Any] = {
        "image": np.frombuffer(b"".join(image), np.uint8).reshape(-1, 1, 2, 3),
        "x": np.array(x, dtype=np.float64),
        "colour": object_column(colour),
    }
    return Rows(inputs, object_column(label), object_column(task), row_keys(inputs, SCHEMA))


def records(labels: st.SearchStrategy[Any], min_size: int = 1) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    return st.lists(st.tuples(images, numbers, texts, labels, texts), min_size=min_size, max_size=40)


any_records = records(int_labels) | records(text_labels)


def same(a: Rows, b: Rows) -> bool:
    pairs = [(a.inputs[name], b.inputs[name]) for name in a.inputs]
    pairs += [(a.labels, b.labels), (a.keys, b.keys)]
    if a.tasks is None or b.tasks is None:
        return a.tasks is b.tasks and all(np.array_equal(x, y) for x, y in pairs)
    return all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in [*pairs, (a.tasks, b.tasks)])


def sides(rows: Rows) -> dict[int, str]:
    parts = split(rows, 0.3, 0.2)
    named = {"train": parts.train, "validation": parts.validation, "holdout": parts.holdout}
    return {int(key): name for name, part in named.items() for key in part.keys}


@unhurried
@given(any_records)
def test_what_is_stored_is_read_back(some: list[tuple[Any, ...]]) -> None:
    rows = rows_of(some)
    assert same(from_parquet(to_parquet(rows, SCHEMA), SCHEMA), rows)


@unhurried
@given(any_records)
def test_equal_rows_are_stored_as_equal_bytes(some: list[tuple[Any, ...]]) -> None:
    assert to_parquet(rows_of(some), SCHEMA) == to_parquet(rows_of(list(some)), SCHEMA)


def test_no_rows_at_all_can_be_stored_too() -> None:
    rows = rows_of([])
    assert same(from_parquet(to_parquet(rows, SCHEMA), SCHEMA), rows)


def test_rows_without_a_task_column_are_read_back_without() -> None:
    schema = Schema(inputs={"x": Input(type=InputType.NUMBER)})
    inputs = {"x": np.array([1.0, 2.0])}
    rows = Rows(inputs, object_column([None, 1]), None, row_keys(inputs, schema))
    assert same(from_parquet(to_parquet(rows, schema), schema), rows)


@pytest.mark.parametrize(
    "other",
    [
        Schema(inputs={"image": Input(type=InputType.IMAGE, shape=(1, 3, 3))}),
        Schema(inputs={"z": Input(type=InputType.NUMBER)}),
        Schema(inputs={"colour": Input(type=InputType.NUMBER)}),
    ],
)
def test_rows_stored_under_another_schema_are_not_misread(other: Schema) -> None:
    stored = to_parquet(rows_of([(b"abcdef", 1.0, "red", 1, "a")]), SCHEMA)
    with pytest.raises((KeyError, ValueError)):
        from_parquet(stored, other)


def test_the_stored_form_is_plain_parquet_that_anything_reads() -> None:
    stored = to_parquet(rows_of([(b"abcdef", 1.5, "red", 1, "a")]), SCHEMA)
    table = pq.read_table(io.BytesIO(stored))
    assert table.drop(["_key"]).to_pylist() == [
        {"image": b"abcdef", "x": 1.5, "colour": "red", "label": 1, "task": "a"}
    ]


@unhurried
@given(any_records, any_records, st.randoms())
def test_a_row_never_changes_sides(
    some: list[tuple[Any, ...]], others: list[tuple[Any, ...]], random: Any
) -> None:
    before = sides(rows_of(some))
    mixed = some + others
    random.shuffle(mixed)
    relabelled = [(*record[:3], "another label", "another task") for record in mixed]
    assert before.items() <= sides(rows_of(relabelled)).items()


@unhurried
@given(any_records, st.floats(0.01, 0.89), st.floats(0.01, 0.89))
def test_the_three_parts_share_no_row_and_leave_none_out(
    some: list[tuple[Any, ...]], holdout: float, validation: float
) -> None:
    rows = rows_of(some)
    parts = split(rows, holdout, validation)
    keys = [set(part.keys.tolist()) for part in (parts.train, parts.validation, parts.holdout)]
    assert sum(map(len, keys)) == len(set.union(*keys))
    assert sum(map(len, (parts.train, parts.validation, parts.holdout))) == len(rows)
    assert set.union(*keys) == set(rows.keys.tolist())


def test_the_parts_are_as_large_as_asked() -> None:
    inputs = {"x": np.arange(20_000, dtype=np.float64)}
    schema = Schema(inputs={"x": Input(type=InputType.NUMBER)})
    rows = Rows(inputs, object_column([None] * 20_000), None, row_keys(inputs, schema))
    parts = split(rows, 0.15, 0.1)
    assert len(parts.holdout) / 20_000 == pytest.approx(0.15, abs=0.01)
    assert len(parts.validation) / (20_000 - len(parts.holdout)) == pytest.approx(0.1, abs=0.01)


@unhurried
@given(any_records)
def test_keys_tell_inputs_apart_and_nothing_else(some: list[tuple[Any, ...]]) -> None:
    rows = rows_of(some)
    by_key = {key: record[:3] for key, record in zip(rows.keys.tolist(), some, strict=True)}
    assert len(by_key) == len({record[:3] for record in some})
    assert all(by_key[key] == record[:3] for key, record in zip(rows.keys.tolist(), some, strict=True))


@unhurried
@given(any_records)
def test_the_order_of_inputs_in_the_job_file_changes_no_key(some: list[tuple[Any, ...]]) -> None:
    rows = rows_of(some)
    turned = Schema(inputs=dict(reversed(SCHEMA.inputs.items())), task="task")
    assert np.array_equal(row_keys(rows.inputs, turned), rows.keys)


def test_text_of_neighbouring_columns_is_not_run_together() -> None:
    schema = Schema(inputs={name: Input(type=InputType.CATEGORY) for name in "ab"})
    keys = row_keys({"a": object_column(["xy", "x"]), "b": object_column(["z", "yz"])}, schema)
    assert keys[0] != keys[1]


@unhurried
@given(records(int_labels), records(int_labels))
def test_parts_in_a_row_are_one_whole(some: list[tuple[Any, ...]], others: list[tuple[Any, ...]]) -> None:
    assert same(concat([rows_of(some), rows_of(others)]), rows_of(some + others))


def test_labelled_rows_are_those_whose_label_is_known() -> None:
    rows = rows_of([(b"abcdef", float(i), "", label, "") for i, label in enumerate([None, 0, "", "a"])])
    assert rows.labelled().labels.tolist() == [0, "", "a"]
