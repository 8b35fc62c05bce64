"""Values of databases as the columns of a Parquet file."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from growlearn.adapters.sources import sql_rows
from growlearn.adapters.sources.sql_rows import collect_rows, make_file
from growlearn.domain.errors import GrowLearnError, InvalidFile


def store(*values: Any) -> list[Any]:
    columns = collect_rows(["a"], [[value] for value in values], 100)
    ((name, content),) = make_file(["a"], columns).items()
    read = {"rows.parquet": pq.read_table, "rows.csv": csv.read_csv}[name]
    stored: list[Any] = read(io.BytesIO(content))["a"].to_pylist()
    return stored


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None, 2], [1, None, 2]),
        ([1, 2.5], [1.0, 2.5]),
        ([1, "abc", 2.5], ["1", "abc", "2.5"]),  # SQLite has no types
        ([1, b"a"], ["1", "b'a'"]),
        ([None, None], [None, None]),
        ([Decimal("1.50"), Decimal("20")], [Decimal("1.50"), Decimal("20.00")]),
        ([2**65, 1], [float(2**65), 1.0]),
        ([b"a", memoryview(b"b")], [b"a", b"b"]),
        ([[1, 2], [3]], [[1, 2], [3]]),
        ([{"k": 1}], ['{"k": 1}']),
        ([UUID(int=1), time(1, 2)], ["00000000-0000-0000-0000-000000000001", "01:02:00"]),
        ([date(2026, 1, 2)], [date(2026, 1, 2)]),
    ],
)
def test_values_keep_their_types_and_mixed_ones_become_text(
    values: Sequence[Any], expected: Sequence[Any]
) -> None:
    assert store(*values) == expected


def test_rows_with_lists_stay_parquet_whatever_else_they_hold() -> None:
    assert list(make_file(["a", "b"], [[[1], [2]], [1, "x"]])) == ["rows.parquet"]


def test_equal_rows_are_equal_bytes() -> None:
    assert make_file(["a"], [[1, 2]]) == make_file(["a"], [[1, 2]])


def test_more_text_than_memory_is_planned_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_rows, "MAX_BYTES", 10)
    with pytest.raises(InvalidFile, match=r"the texts of its first 3 rows have more than 10 bytes \(lower"):
        store("abcd", b"efgh", "ijkl", "mnop")


def test_two_columns_of_one_name_are_told() -> None:
    with pytest.raises(GrowLearnError, match="gives two columns 'x'"):
        collect_rows(["x", "y", "x"], [], 1)


@pytest.mark.parametrize("value", [[{}], [{"a": 1}], {"a": [1]}])
def test_json_of_any_form_is_written_as_text(value: Any) -> None:
    columns = collect_rows(["j"], [(value,)], 10)
    (content,) = make_file(["j"], columns).values()
    assert pq.read_table(io.BytesIO(content)).column("j").to_pylist() == [json.dumps(value)]


def test_what_no_file_can_hold_is_named() -> None:
    with pytest.raises(InvalidFile, match="its rows cannot be written as a file: "):
        make_file(["j"], [[{}]])
