"""The stored form of every type of input, as properties of any rows."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growlearn.domain.schema import Input, InputType, Schema
from growlearn.ingest.rows import Rows, concat, from_parquet, object_column, row_keys, to_parquet
from growlearn.ingest.stored import PADDING, STORED
from growlearn.ingest.table_rows import read_table_rows

TOKENS = Input(type=InputType.TOKENS, vocabulary=50, length=5)
SERIES = Input(type=InputType.SERIES, shape=(3, 2))
SCHEMA = Schema(inputs={"words": TOKENS, "trace": SERIES}, label="y")
COLUMNS: dict[InputType, tuple[Input, Any]] = {
    InputType.IMAGE: (
        Input(type=InputType.IMAGE, shape=(1, 1, 2)),
        np.arange(6, dtype=np.uint8).reshape(3, 1, 1, 2),
    ),
    InputType.NUMBER: (Input(type=InputType.NUMBER), np.array([1.5, -2.0, 0.0])),
    InputType.CATEGORY: (Input(type=InputType.CATEGORY), object_column(["a", "", "ü"])),
    InputType.TOKENS: (
        TOKENS,
        np.array([[1, 2, -1, -1, -1], [49, 0, 3, 4, 5], [7, -1, -1, -1, -1]], np.int32),
    ),
    InputType.SERIES: (SERIES, np.arange(18.0).reshape(3, 3, 2)),
}

unhurried = settings(deadline=None, max_examples=60)
ids = st.lists(st.integers(0, 49), min_size=1, max_size=5)
numbers = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
traces = st.lists(numbers, min_size=6, max_size=6)
records = st.lists(st.tuples(ids, traces, st.integers(0, 3)), max_size=20)


def rows_of(some: list[tuple[list[int], list[float], int]]) -> Rows:
    words = np.full((len(some), 5), PADDING, np.int32)
    for row, (found, _, _) in enumerate(some):
        words[row, : len(found)] = found
    inputs: dict[str, Any] = {
        "words": words,
        "trace": np.array([trace for _, trace, _ in some], np.float64).reshape(-1, 3, 2),
    }
    return Rows(inputs, object_column([y for _, _, y in some]), None, row_keys(inputs, SCHEMA))


def same(a: Rows, b: Rows) -> bool:
    pairs = [(a.inputs[name], b.inputs[name]) for name in a.inputs]
    pairs += [(a.labels, b.labels), (a.keys, b.keys)]
    return all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in pairs)


@unhurried
@given(records)
def test_what_is_stored_is_read_back(some: Any) -> None:
    rows = rows_of(some)
    stored = to_parquet(rows, SCHEMA)
    assert same(from_parquet(stored, SCHEMA), rows)
    assert stored == to_parquet(rows_of(some), SCHEMA)


@unhurried
@given(records.filter(len))
def test_what_is_stored_is_plain_parquet_that_is_taken_in_as_the_same_rows(some: Any) -> None:
    rows = rows_of(some)
    again, bad = read_table_rows({"a.parquet": to_parquet(rows, SCHEMA)}, SCHEMA, for_prediction=True)
    assert bad == ()
    assert all(np.array_equal(again.inputs[name], rows.inputs[name]) for name in rows.inputs)
    assert np.array_equal(again.keys, rows.keys)


@unhurried
@given(records, records)
def test_parts_in_a_row_are_one_whole(some: Any, others: Any) -> None:
    assert same(concat([rows_of(some), rows_of(others)]), rows_of(some + others))


@unhurried
@given(records)
def test_keys_tell_inputs_apart_and_nothing_else(some: Any) -> None:
    keys = rows_of(some).keys.tolist()
    told = [(tuple(words), tuple(trace)) for words, trace, _ in some]
    assert len(set(keys)) == len(set(told))
    assert len(set(zip(keys, told, strict=True))) == len(set(told))


def test_the_stored_form_says_what_the_row_held() -> None:
    table = pq.read_table(io.BytesIO(to_parquet(rows_of([([3, 1], [0.5] * 6, 2)]), SCHEMA)))
    assert table.drop(["_key"]).to_pylist() == [{"words": [3, 1], "trace": [0.5] * 6, "y": 2}]


@pytest.mark.parametrize("kind", InputType)
def test_every_type_is_read_back_from_several_chunks(kind: InputType) -> None:
    spec, column = COLUMNS[kind]
    whole = STORED[kind].write(column)
    for parts in ([whole], [whole[:1], whole[1:]], [whole[1:], whole[:0]]):
        found = STORED[kind].read(pa.chunked_array(parts), spec)
        wanted = column[len(column) - len(found) :]
        assert found.dtype == wanted.dtype
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize("other", InputType)
@pytest.mark.parametrize("kind", InputType)
def test_values_stored_as_one_type_are_not_misread_as_another(kind: InputType, other: InputType) -> None:
    if kind == other or {kind, other} == {InputType.NUMBER, InputType.CATEGORY}:
        return  # a number may be a category
    stored = pa.chunked_array([STORED[kind].write(COLUMNS[kind][1])])
    with pytest.raises(ValueError, match=r"stored|not of shape"):
        STORED[other].read(stored, COLUMNS[other][0])


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        (InputType.TOKENS, Input(type=InputType.TOKENS, vocabulary=49, length=5)),
        (InputType.TOKENS, Input(type=InputType.TOKENS, vocabulary=50, length=4)),
        (InputType.SERIES, Input(type=InputType.SERIES, shape=(3, 1))),
    ],
)
def test_values_of_another_size_are_not_misread(kind: InputType, other: Input) -> None:
    stored = pa.chunked_array([STORED[kind].write(COLUMNS[kind][1])])
    with pytest.raises(ValueError, match="stored"):
        STORED[kind].read(stored, other)
