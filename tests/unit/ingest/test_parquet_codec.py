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

from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.parquet_codec import COLUMN_CODECS, PADDING
from growlearn.ingest.rows import Rows, concat_rows, from_parquet, hash_rows, object_column, to_parquet
from growlearn.ingest.table_rows import read_table_rows

TOKENS = InputColumn(type=InputType.TOKENS, vocabulary=50, length=5)
SERIES = InputColumn(type=InputType.SERIES, shape=(3, 2))
SCHEMA = Schema(inputs={"words": TOKENS, "trace": SERIES}, label="y")
COLUMNS: dict[InputType, tuple[InputColumn, Any]] = {
    InputType.IMAGE: (
        InputColumn(type=InputType.IMAGE, shape=(1, 1, 2)),
        np.arange(6, dtype=np.uint8).reshape(3, 1, 1, 2),
    ),
    InputType.NUMBER: (InputColumn(type=InputType.NUMBER), np.array([1.5, -2.0, 0.0])),
    InputType.CATEGORY: (InputColumn(type=InputType.CATEGORY), object_column(["a", "", "ü"])),
    InputType.BOOLEAN: (InputColumn(type=InputType.BOOLEAN), object_column(["true", "false", "true"])),
    InputType.DATETIME: (
        InputColumn(type=InputType.DATETIME),
        np.array(["2013-01-01T05:15", "1969-12-31T23:59:59.999999", "2400-02-29"], "datetime64[us]"),
    ),
    InputType.TOKENS: (
        TOKENS,
        np.array([[1, 2, -1, -1, -1], [49, 0, 3, 4, 5], [7, -1, -1, -1, -1]], np.int32),
    ),
    InputType.SERIES: (SERIES, np.arange(18.0).reshape(3, 3, 2)),
    InputType.TEXT: (InputColumn(type=InputType.TEXT), object_column(["two words", None, "猫 🙂"])),
}

unhurried = settings(deadline=None, max_examples=60)
ids = st.lists(st.integers(0, 49), min_size=1, max_size=5)
numbers = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
traces = st.lists(numbers, min_size=6, max_size=6)
records = st.lists(st.tuples(ids, traces, st.integers(0, 3)), max_size=20)


def make_rows(some: list[tuple[list[int], list[float], int]]) -> Rows:
    words = np.full((len(some), 5), PADDING, np.int32)
    for row, (tokens, _, _) in enumerate(some):
        words[row, : len(tokens)] = tokens
    inputs: dict[str, Any] = {
        "words": words,
        "trace": np.array([trace for _, trace, _ in some], np.float64).reshape(-1, 3, 2),
    }
    return Rows(inputs, object_column([y for _, _, y in some]), None, hash_rows(inputs, SCHEMA))


def are_equal(a: Rows, b: Rows) -> bool:
    pairs = [(a.inputs[name], b.inputs[name]) for name in a.inputs]
    pairs += [(a.labels, b.labels), (a.row_hashes, b.row_hashes)]
    return all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in pairs)


@unhurried
@given(records)
def test_what_is_stored_is_read_back(some: Any) -> None:
    rows = make_rows(some)
    stored = to_parquet(rows, SCHEMA)
    assert are_equal(from_parquet(stored, SCHEMA), rows)
    assert stored == to_parquet(make_rows(some), SCHEMA)


@unhurried
@given(records.filter(len))
def test_what_is_stored_is_plain_parquet_that_is_ingested_as_the_same_rows(some: Any) -> None:
    rows = make_rows(some)
    ingested, bad = read_table_rows({"a.parquet": to_parquet(rows, SCHEMA)}, SCHEMA, for_prediction=True)
    assert bad == ()
    assert all(np.array_equal(ingested.inputs[name], rows.inputs[name]) for name in rows.inputs)
    assert np.array_equal(ingested.row_hashes, rows.row_hashes)


@unhurried
@given(records, records)
def test_concatenated_parts_are_the_whole(some: Any, others: Any) -> None:
    assert are_equal(concat_rows([make_rows(some), make_rows(others)]), make_rows(some + others))


@unhurried
@given(records)
def test_row_hashes_distinguish_inputs_and_nothing_else(some: Any) -> None:
    row_hashes = make_rows(some).row_hashes.tolist()
    inputs = [(tuple(words), tuple(trace)) for words, trace, _ in some]
    assert len(set(row_hashes)) == len(set(inputs))
    assert len(set(zip(row_hashes, inputs, strict=True))) == len(set(inputs))


def test_the_stored_form_has_the_values_of_the_row() -> None:
    table = pq.read_table(io.BytesIO(to_parquet(make_rows([([3, 1], [0.5] * 6, 2)]), SCHEMA)))
    assert table.drop(["_row_hash"]).to_pylist() == [{"words": [3, 1], "trace": [0.5] * 6, "y": 2}]


@pytest.mark.parametrize("kind", InputType)
def test_every_type_is_read_back_from_several_chunks(kind: InputType) -> None:
    spec, column = COLUMNS[kind]
    whole = COLUMN_CODECS[kind].write(column)
    for parts in ([whole], [whole[:1], whole[1:]], [whole[1:], whole[:0]]):
        decoded = COLUMN_CODECS[kind].read(pa.chunked_array(parts), spec)
        expected = column[len(column) - len(decoded) :]
        assert decoded.dtype == expected.dtype
        assert np.array_equal(decoded, expected)


@pytest.mark.parametrize("other", InputType)
@pytest.mark.parametrize("kind", InputType)
def test_values_stored_as_one_type_are_not_misread_as_another(kind: InputType, other: InputType) -> None:
    if kind == other or {kind, other} == {InputType.NUMBER, InputType.CATEGORY}:
        return  # a number may be a category
    stored = pa.chunked_array([COLUMN_CODECS[kind].write(COLUMNS[kind][1])])
    with pytest.raises(ValueError, match=r"stored|not of shape"):
        COLUMN_CODECS[other].read(stored, COLUMNS[other][0])


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        (InputType.TOKENS, InputColumn(type=InputType.TOKENS, vocabulary=49, length=5)),
        (InputType.TOKENS, InputColumn(type=InputType.TOKENS, vocabulary=50, length=4)),
        (InputType.SERIES, InputColumn(type=InputType.SERIES, shape=(3, 1))),
    ],
)
def test_values_of_another_size_are_not_misread(kind: InputType, other: InputColumn) -> None:
    stored = pa.chunked_array([COLUMN_CODECS[kind].write(COLUMNS[kind][1])])
    with pytest.raises(ValueError, match="stored"):
        COLUMN_CODECS[kind].read(stored, other)
