"""Time series from lists and from text, and what keeps a row out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growlearn.domain.errors import InvalidFile
from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.row_errors import RowErrors
from growlearn.ingest.series import decode_series

SPEC = InputColumn(type=InputType.SERIES, shape=(3, 2))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
SERIES = st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=3, max_size=3)
GOOD = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
FLAT = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def decode(column: Any) -> tuple[Any, dict[int, str]]:
    row_errors: RowErrors = {}
    decoded = decode_series(column, "trace", SPEC, row_errors)
    assert decoded.dtype == np.float64
    assert decoded.shape == (len(column), 3, 2)
    return decoded.tolist(), {row: row_error.kind + row_error.detail for row, row_error in row_errors.items()}


def chunked(values: Any, kind: Any = None) -> Any:
    return pa.chunked_array([pa.array(values, kind)])


def flat(series: list[list[float]]) -> list[float]:
    return [value for step in series for value in step]


@settings(deadline=None)
@given(st.lists(SERIES, min_size=1, max_size=8))
def test_nested_and_flat_lists_and_text_give_the_same(some: list[list[list[float]]]) -> None:
    leaf = pa.float64()
    forms = [
        chunked(some, pa.list_(pa.list_(leaf))),
        chunked(some, pa.list_(pa.list_(leaf, 2), 3)),
        chunked([flat(series) for series in some], pa.large_list(leaf)),
        chunked([json.dumps(series) for series in some]),
        chunked([json.dumps(flat(series)) for series in some]),
        chunked([" ".join(map(repr, flat(series))) for series in some]),
    ]
    for column in forms:
        assert decode(column) == (some, {})


def test_whole_numbers_are_numbers_and_minus_zero_is_zero() -> None:
    decoded, row_errors = decode(chunked([[1, 2, 3, 4, 5, 6]]))
    assert (decoded, row_errors) == ([GOOD], {})
    decoded, _ = decode(chunked([[-0.0] * 6]))
    assert not np.signbit(decoded).any()


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (None, "trace is missing"),
        (FLAT[:5], "trace has the wrong size: lists of 5 where 6 are wanted"),
        ([], "trace has the wrong size: lists of 0 where 6 are wanted"),
        ([*FLAT[:5], float("nan")], "trace has missing, NaN or infinite values"),
        ([*FLAT[:5], float("-inf")], "trace has missing, NaN or infinite values"),
        ([*FLAT[:5], None], "trace has missing, NaN or infinite values"),
    ],
)
def test_a_bad_cell_keeps_out_its_row_alone(cell: Any, reason: str) -> None:
    decoded, row_errors = decode(chunked([FLAT, cell, FLAT]))
    assert row_errors == {1: reason}
    assert decoded[0] == decoded[2] == GOOD


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (GOOD[:2], "trace has the wrong size: lists of 2 where 3 are wanted"),
        ([[1.0], *GOOD[1:]], "trace has the wrong size: lists of 1 where 2 are wanted"),
        ([[1.0, None], *GOOD[1:]], "trace has missing, NaN or infinite values"),
        ([None, *GOOD[1:]], "trace has the wrong size: lists of 0 where 2 are wanted"),
    ],
)
def test_a_bad_nested_cell_keeps_out_its_row_alone(cell: Any, reason: str) -> None:
    decoded, row_errors = decode(chunked([GOOD, cell, GOOD]))
    assert row_errors == {1: reason}
    assert decoded[0] == decoded[2] == GOOD


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1 2 3", "trace has the wrong size: lists of 3 where 6 are wanted"),
        ("1 2 3 4 5 six", "trace is no such list of numbers: '1 2 3 4 5 six'"),
        ("1 2 3 4 5 nan", "trace has missing, NaN or infinite values"),
        ("[[1, 2, 3], [4, 5, 6]]", "trace is no such list of numbers: '[[1, 2, 3], [4, 5, 6]]'"),
        ("[[1, 2], [3, 4], [5]]", "trace is no such list of numbers: '[[1, 2], [3, 4], [5]]'"),
    ],
)
def test_a_bad_text_cell_keeps_out_its_row_alone(cell: str, reason: str) -> None:
    decoded, row_errors = decode(chunked(["1 2 3 4 5 6", cell, "[1, 2, 3, 4, 5, 6]"]))
    assert row_errors == {1: reason}
    assert decoded[0] == decoded[2] == GOOD


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (chunked([1.0]), "column 'trace' is double; wanted lists of 3 steps of 2 numbers, or of 6 numbers"),
        (chunked([[["a"]]]), "column 'trace' is list<.*string>>; wanted lists of 3 steps"),
        (chunked([[[[1.0]]]]), "column 'trace' is list<.*; wanted lists of 3 steps"),
        (
            chunked(["rising", "falling"]),
            "column 'trace' holds text such as 'rising'; wanted lists of 3 steps",
        ),
    ],
)
def test_a_column_without_any_series_is_rejected_whole(column: Any, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        decode(column)


def test_cells_that_hold_nothing_shift_no_other() -> None:
    assert decode(chunked([None, None]))[1] == {0: "trace is missing", 1: "trace is missing"}
    decoded, row_errors = decode(chunked([FLAT, None, FLAT], pa.list_(pa.float64(), 6)))
    assert (decoded[0], decoded[2], row_errors) == (GOOD, GOOD, {1: "trace is missing"})
