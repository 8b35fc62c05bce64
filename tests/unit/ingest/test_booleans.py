"""Boolean columns in every supported form."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from growlearn.domain.errors import InvalidFile
from growlearn.ingest.booleans import decode_booleans
from growlearn.ingest.row_errors import RowError, RowErrors


def chunked(values: Any) -> pa.ChunkedArray:
    return pa.chunked_array([values if isinstance(values, pa.Array) else pa.array(values)])


@pytest.mark.parametrize(
    "column",
    [
        [True, False, None],
        [1, 0, None],
        pa.array([1, 0, None], pa.uint8()),
        [1.0, 0.0, float("nan")],
        ["true", "false", None],
        ["True", "FALSE", ""],
        ["t", "f", "NA"],
        [" yes", "no ", "null"],
        ["1", "0.0", "None"],
        pa.array(["y", "n", None]).dictionary_encode(),
        pa.array(["y", "n", None], pa.large_string()),
    ],
)
def test_booleans_zero_and_one_and_their_words_are_read_alike(column: Any) -> None:
    row_errors: RowErrors = {}
    assert decode_booleans(chunked(column), "b", row_errors).tolist() == ["true", "false", None]
    assert row_errors == {}


def test_a_column_without_a_value_is_missing_throughout() -> None:
    for column in (pa.nulls(2), pa.array([None, ""]), pa.array([float("nan")] * 2)):
        assert decode_booleans(chunked(column), "b", {}).tolist() == [None, None]


@pytest.mark.parametrize("column", [[1, 7, 0], ["true", "perhaps", "false"], [1.0, 0.5, 0.0]])
def test_another_value_is_an_error_of_its_row(column: list[Any]) -> None:
    row_errors: RowErrors = {}
    assert decode_booleans(chunked(column), "b", row_errors).tolist() == ["true", None, "false"]
    assert row_errors == {1: RowError("b is not a boolean", f": {column[1]!r}")}


@pytest.mark.parametrize("column", [[7, 8], ["red", None], [b"1"], [[True]]])
def test_a_column_of_other_values_is_no_boolean_column(column: list[Any]) -> None:
    with pytest.raises(InvalidFile, match=r"column 'b' .*; wanted booleans"):
        decode_booleans(chunked(column), "b", {})
