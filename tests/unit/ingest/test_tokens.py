"""Token ids from lists and from text, cut and padded, and what makes a row invalid."""

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
from growlearn.ingest.tokens import decode_tokens

SPEC = InputColumn(type=InputType.TOKENS, vocabulary=100, length=4)
LISTS = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=7), min_size=1, max_size=20)


def decode(column: Any) -> tuple[list[list[int]], dict[int, str]]:
    row_errors: RowErrors = {}
    decoded = decode_tokens(column, "words", SPEC, row_errors)
    assert decoded.dtype == np.int32
    assert decoded.shape == (len(column), 4)
    return decoded.tolist(), {row: row_error.kind + row_error.detail for row, row_error in row_errors.items()}


def chunked(values: Any, kind: Any = None) -> Any:
    return pa.chunked_array([pa.array(values, kind)])


def padded(ids: list[int]) -> list[int]:
    return (ids + [-1] * 4)[:4]


@settings(deadline=None)
@given(
    LISTS, st.sampled_from([pa.int64(), pa.uint8(), pa.int32(), pa.float64()]), st.booleans(), st.booleans()
)
def test_lists_of_any_numbers_are_cut_and_padded(
    some: list[list[int]], leaf: Any, large: bool, split: bool
) -> None:
    array = pa.array(some, pa.large_list(leaf) if large else pa.list_(leaf))
    column = pa.chunked_array([array[:1], array[1:]] if split else [array])
    assert decode(column) == ([padded(ids) for ids in some], {})


@settings(deadline=None)
@given(LISTS)
def test_text_is_read_as_the_lists_it_holds(some: list[list[int]]) -> None:
    for cells in ([json.dumps(ids) for ids in some], [" ".join(map(str, ids)) + " " for ids in some]):
        assert decode(chunked(cells)) == ([padded(ids) for ids in some], {})


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (None, "words is missing"),
        ([], "words has no token"),
        ([1, -1], "words has an id outside 0..99: -1 at place 1"),
        ([1, 100], "words has an id outside 0..99: 100 at place 1"),
        ([1, 2, 3, 4, 5, 100], "words has an id outside 0..99: 100 at place 5"),  # beyond the cut
        ([1, 2**40], "words has an id outside 0..99: 1099511627776 at place 1"),
        ([1, 1.5], "words has an id that is no whole number: 1.5 at place 1"),
        ([float("nan")], "words has a NaN or infinite id"),
        ([1, float("inf")], "words has a NaN or infinite id"),
        ([1, None], "words has a missing id"),
    ],
)
def test_a_bad_cell_keeps_out_its_row_alone(cell: Any, reason: str) -> None:
    decoded, row_errors = decode(chunked([[1, 2], cell, [3]]))
    assert row_errors == {1: reason}
    assert (decoded[0], decoded[2]) == (padded([1, 2]), padded([3]))


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1 2 -3", "words has an id outside 0..99: -3 at place 2"),
        ("1 two", "words is no such list of numbers: '1 two'"),
        ("[1, true]", "words is no such list of numbers: '[1, true]'"),
        ("[1, [2]]", "words is no such list of numbers: '[1, [2]]'"),
        ("[[1, 2]]", "words is no such list of numbers: '[[1, 2]]'"),
        ('["a"]', "words is no such list of numbers: '[\"a\"]'"),
        ("[1, 2", "words is no such list of numbers: '[1, 2'"),
        ("[" * 9000, f"words is no such list of numbers: '{'[' * 36}..."),
        ("[1" + "0" * 400 + "]", f"words is no such list of numbers: '[1{'0' * 34}..."),
        ("[NaN]", "words has a NaN or infinite id"),
        ("1.5", "words has an id that is no whole number: 1.5 at place 0"),
        ("[]", "words has no token"),
        ("  ", "words has no token"),
    ],
)
def test_a_bad_text_cell_keeps_out_its_row_alone(cell: str, reason: str) -> None:
    decoded, row_errors = decode(chunked(["1 2", cell, "[3]"]))
    assert row_errors == {1: reason}
    assert (decoded[0], decoded[2]) == (padded([1, 2]), padded([3]))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (chunked([1, 2]), "column 'words' is int64; wanted lists of token ids"),
        (chunked([["a"]]), "column 'words' is list<.*string>; wanted lists of token ids"),
        (chunked([[[1]]]), "column 'words' is .*, lists in lists; wanted lists of token ids"),
        (
            chunked(["Dear all,", "hello"]),
            "column 'words' holds text such as 'Dear all,'; wanted lists of token",
        ),
        (chunked([True]), "column 'words' is bool"),
    ],
)
def test_a_column_without_any_list_of_ids_is_rejected_whole(column: Any, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        decode(column)


@pytest.mark.parametrize(
    "column", [chunked([None, None]), chunked([[], [None]]), chunked([None, [1]], pa.list_(pa.int8(), 1))]
)
def test_cells_that_hold_nothing_are_flagged(column: Any) -> None:
    _, row_errors = decode(column)
    assert 0 in row_errors
    assert "missing" in row_errors[0] or "no token" in row_errors[0]


def test_a_missing_cell_of_fixed_size_lists_shifts_no_other() -> None:
    decoded, row_errors = decode(chunked([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)))
    assert (decoded[0], decoded[2], list(row_errors)) == ([1, 2, -1, -1], [3, 4, -1, -1], [1])
