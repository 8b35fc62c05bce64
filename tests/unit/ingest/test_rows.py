"""Row hashes, splits and the stored form, as properties of any rows."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest import rows as rows_module
from growlearn.ingest.rows import (
    Rows,
    concat_rows,
    from_parquet,
    hash_rows,
    object_column,
    split_rows,
    to_parquet,
)

SCHEMA = Schema(
    inputs={
        "image": InputColumn(type=InputType.IMAGE, shape=(1, 2, 3)),
        "x": InputColumn(type=InputType.NUMBER),
        "colour": InputColumn(type=InputType.CATEGORY),
    },
    task="task",
)

unhurried = settings(deadline=None, max_examples=60)  # a busy machine is no failure

numbers = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
int_labels = st.none() | st.integers(-(2**63), 2**63 - 1)
text_labels = st.none() | texts
images = st.binary(min_size=6, max_size=6)


def make_rows(records: list[tuple[Any, ...]]) -> Rows:
    """(image bytes, number, category, label, task) a row."""
    image, x, colour, label, task = zip(*records, strict=True) if records else ((),) * 5
    inputs: dict[str, Any] = {
        "image": np.frombuffer(b"".join(image), np.uint8).reshape(-1, 1, 2, 3),
        "x": np.array(x, dtype=np.float64),
        "colour": object_column(colour),
    }
    return Rows(inputs, object_column(label), object_column(task), hash_rows(inputs, SCHEMA))


def records(labels: st.SearchStrategy[Any], min_size: int = 1) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    return st.lists(st.tuples(images, numbers, texts, labels, texts), min_size=min_size, max_size=40)


any_records = records(int_labels) | records(text_labels)


def are_equal(a: Rows, b: Rows) -> bool:
    pairs = [(a.inputs[name], b.inputs[name]) for name in a.inputs]
    pairs += [(a.labels, b.labels), (a.row_hashes, b.row_hashes)]
    if a.tasks is None or b.tasks is None:
        return a.tasks is b.tasks and all(np.array_equal(x, y) for x, y in pairs)
    return all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in [*pairs, (a.tasks, b.tasks)])


def sides(rows: Rows) -> dict[int, str]:
    parts = split_rows(rows, 0.3, 0.2)
    named = {"train": parts.train, "validation": parts.validation, "holdout": parts.holdout}
    return {int(row_hash): name for name, part in named.items() for row_hash in part.row_hashes}


@unhurried
@given(any_records)
def test_what_is_stored_is_read_back(some: list[tuple[Any, ...]]) -> None:
    rows = make_rows(some)
    assert are_equal(from_parquet(to_parquet(rows, SCHEMA), SCHEMA), rows)


@unhurried
@given(any_records)
def test_equal_rows_are_stored_as_equal_bytes(some: list[tuple[Any, ...]]) -> None:
    assert to_parquet(make_rows(some), SCHEMA) == to_parquet(make_rows(list(some)), SCHEMA)


def test_no_rows_at_all_can_be_stored_too() -> None:
    rows = make_rows([])
    assert are_equal(from_parquet(to_parquet(rows, SCHEMA), SCHEMA), rows)


def test_rows_without_a_task_column_are_read_back_without() -> None:
    schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
    inputs = {"x": np.array([1.0, 2.0])}
    rows = Rows(inputs, object_column([None, 1]), None, hash_rows(inputs, schema))
    assert are_equal(from_parquet(to_parquet(rows, schema), schema), rows)


@pytest.mark.parametrize(
    "other",
    [
        Schema(inputs={"image": InputColumn(type=InputType.IMAGE, shape=(1, 3, 3))}),
        Schema(inputs={"z": InputColumn(type=InputType.NUMBER)}),
        Schema(inputs={"colour": InputColumn(type=InputType.NUMBER)}),
    ],
)
def test_rows_stored_under_another_schema_are_not_misread(other: Schema) -> None:
    stored = to_parquet(make_rows([(b"abcdef", 1.0, "red", 1, "a")]), SCHEMA)
    with pytest.raises((KeyError, ValueError)):
        from_parquet(stored, other)


def test_the_stored_form_is_plain_parquet() -> None:
    stored = to_parquet(make_rows([(b"abcdef", 1.5, "red", 1, "a")]), SCHEMA)
    table = pq.read_table(io.BytesIO(stored))
    assert table.drop(["_row_hash"]).to_pylist() == [
        {"image": b"abcdef", "x": 1.5, "colour": "red", "label": 1, "task": "a"}
    ]


@unhurried
@given(any_records, any_records, st.randoms())
def test_a_row_never_changes_sides(
    some: list[tuple[Any, ...]], others: list[tuple[Any, ...]], random: Any
) -> None:
    before = sides(make_rows(some))
    mixed = some + others
    random.shuffle(mixed)
    relabelled = [(*record[:3], "another label", "another task") for record in mixed]
    assert before.items() <= sides(make_rows(relabelled)).items()


@unhurried
@given(any_records, st.floats(0.01, 0.89), st.floats(0.01, 0.89))
def test_the_three_parts_share_no_row_and_leave_none_out(
    some: list[tuple[Any, ...]], holdout: float, validation: float
) -> None:
    rows = make_rows(some)
    parts = split_rows(rows, holdout, validation)
    row_hashes = [set(part.row_hashes.tolist()) for part in (parts.train, parts.validation, parts.holdout)]
    assert sum(map(len, row_hashes)) == len(set.union(*row_hashes))
    assert sum(map(len, (parts.train, parts.validation, parts.holdout))) == len(rows)
    assert set.union(*row_hashes) == set(rows.row_hashes.tolist())


def test_the_parts_are_as_large_as_asked() -> None:
    inputs = {"x": np.arange(20_000, dtype=np.float64)}
    schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
    rows = Rows(inputs, object_column([None] * 20_000), None, hash_rows(inputs, schema))
    parts = split_rows(rows, 0.15, 0.1)
    assert len(parts.holdout) / 20_000 == pytest.approx(0.15, abs=0.01)
    assert len(parts.validation) / (20_000 - len(parts.holdout)) == pytest.approx(0.1, abs=0.01)


@unhurried
@given(any_records)
def test_row_hashes_distinguish_inputs_and_nothing_else(some: list[tuple[Any, ...]]) -> None:
    rows = make_rows(some)
    pairs = list(zip(rows.row_hashes.tolist(), some, strict=True))
    inputs_by_hash = {row_hash: record[:3] for row_hash, record in pairs}
    assert len(inputs_by_hash) == len({record[:3] for record in some})
    assert all(inputs_by_hash[row_hash] == record[:3] for row_hash, record in pairs)


@unhurried
@given(any_records)
def test_the_order_of_inputs_in_the_job_file_changes_no_row_hash(some: list[tuple[Any, ...]]) -> None:
    rows = make_rows(some)
    reversed_schema = Schema(inputs=dict(reversed(SCHEMA.inputs.items())), task="task")
    assert np.array_equal(hash_rows(rows.inputs, reversed_schema), rows.row_hashes)


def test_text_of_neighbouring_columns_is_not_concatenated() -> None:
    schema = Schema(inputs={name: InputColumn(type=InputType.CATEGORY) for name in "ab"})
    row_hashes = hash_rows({"a": object_column(["xy", "x"]), "b": object_column(["z", "yz"])}, schema)
    assert row_hashes[0] != row_hashes[1]


@unhurried
@given(records(int_labels), records(int_labels))
def test_concatenated_parts_are_the_whole(some: list[tuple[Any, ...]], others: list[tuple[Any, ...]]) -> None:
    assert are_equal(concat_rows([make_rows(some), make_rows(others)]), make_rows(some + others))


def test_labelled_rows_are_those_whose_label_is_known() -> None:
    rows = make_rows([(b"abcdef", float(i), "", label, "") for i, label in enumerate([None, 0, "", "a"])])
    assert rows.select_labelled().labels.tolist() == [0, "", "a"]


def numbered(count: int) -> Rows:
    inputs: dict[str, Any] = {"x": np.arange(count, dtype=np.float64)}
    schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
    return Rows(inputs, object_column([row % 2 for row in range(count)]), None, hash_rows(inputs, schema))


def test_a_sample_is_the_same_every_time_and_keeps_the_order() -> None:
    rows = numbered(500)
    first, second = rows.sample(100), rows.sample(100)
    assert np.array_equal(first.inputs["x"], second.inputs["x"])
    assert len(first) == 100
    assert (np.diff(first.inputs["x"]) > 0).all()
    assert rows.sample(500) is rows


def test_of_very_many_rows_only_so_many_validate_and_none_of_the_hold_out_is_trained_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = numbered(2000)
    whole = split_rows(rows, 0.3, 0.2)
    monkeypatch.setattr(rows_module, "_MAX_VALIDATION_ROWS", 50)
    monkeypatch.setattr(rows_module, "_MAX_HOLDOUT_ROWS", 80)
    some = split_rows(rows, 0.3, 0.2)
    assert (len(some.validation), len(some.holdout)) == (50, 80)
    assert set(some.validation.row_hashes) <= set(whole.validation.row_hashes)
    assert set(some.holdout.row_hashes) <= set(whole.holdout.row_hashes)
    assert len(some.train) == len(whole.train) + len(whole.validation) - 50
    assert not set(some.train.row_hashes) & set(whole.holdout.row_hashes)
    assert len(split_rows(rows, 0.3, 0.2, min_validation_rows=70).validation) == 70


def test_zero_and_minus_zero_are_one_value() -> None:
    """Else equal rows could be on both sides of the hold-out."""
    schema = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
    zeros = hash_rows({"x": np.array([0.0, -0.0, 1.0])}, schema)
    assert zeros[0] == zeros[1] != zeros[2]
