from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from growlearn.app.infer_schema import guess_label, infer_input
from growlearn.domain.schema import InputColumn, InputType


def column(values: list[Any]) -> Any:
    return pa.chunked_array([values])


@pytest.mark.parametrize(
    ("columns", "label", "others"),
    [
        ({"y": [0, 1, 0, 1], "x": [1, 2, 1, 2]}, "y", ()),  # by name, wherever it stands
        ({"Species": ["a", "b"], "year": [1, 2]}, "Species", ()),
        ({"kind": ["a", "b"] * 3, "price": [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]}, "kind", ()),
        ({"island": ["a", "b"] * 3, "year": [1, 2, 1, 2, 1, 2]}, "year", ("island",)),
        ({"id": list(range(6)), "price": [float(i) for i in range(6)]}, "price", ()),
    ],
)
def test_the_label_is_found_by_name_or_is_the_last_column_of_few_values(
    columns: dict[str, Any], label: str, others: tuple[str, ...]
) -> None:
    assert guess_label(pa.table(columns)) == (label, others)


@pytest.mark.parametrize("name", ["__index_level_0__", "Unnamed: 0", ""])
def test_the_index_that_pandas_writes_is_no_input(name: str) -> None:
    assert infer_input(column([0, 1, 2]), name) == "the index that pandas wrote"


def test_a_text_column_in_which_nearly_every_value_occurs_once_is_left_out() -> None:
    dates = [f"2012-01-{day:02}" for day in range(1, 31)]
    assert infer_input(column(dates), "date") == "nearly every value occurs once, as names and dates do"
    assert infer_input(column(["a", "b"] * 15), "kind") == InputColumn(type=InputType.CATEGORY)
    assert infer_input(column(["a", "b"]), "kind") == InputColumn(type=InputType.CATEGORY)  # too few to say


@pytest.mark.parametrize(
    ("lists", "seems"),
    [
        ([[1, 2], [700, 3, 4], []], InputColumn(type=InputType.TOKENS, vocabulary=1024, length=3)),
        ([[0] * 300, [1]], InputColumn(type=InputType.TOKENS, vocabulary=2, length=256)),
        ([[0, 255, 9, 8]] * 2, InputColumn(type=InputType.IMAGE, shape=(1, 2, 2))),
        ([[[0, 255], [9, 8]]] * 2, InputColumn(type=InputType.IMAGE, shape=(1, 2, 2))),
        ([[[[0, 255]], [[9, 8]], [[1, 1]]]], InputColumn(type=InputType.IMAGE, shape=(3, 1, 2))),
        ([[0.5, -2.0, 300.0]] * 2, InputColumn(type=InputType.SERIES, shape=(3, 1))),
        ([[[0.5, -2.0], [1.0, 1.0], [2.0, 2.0]]], InputColumn(type=InputType.SERIES, shape=(3, 2))),
    ],
)
def test_lists_are_images_tokens_or_series_by_their_lengths_and_numbers(
    lists: Any, seems: InputColumn
) -> None:
    assert infer_input(column(lists), "values") == seems


@pytest.mark.parametrize(
    ("lists", "why"),
    [
        ([[1, 2, 3, 4, 5]] * 2, "lists of 5 numbers are no square image; give their shape"),
        ([[0.5, 1.5], [2.5]], "lists of several lengths are read as token ids, which must be whole numbers"),
        ([[1, -1], [2]], "which must be whole numbers from 0 on"),
        ([["a"], ["b", "c"]], "values of type list"),
        ([[[[-1.0]]]], "neither an image nor a series"),
        ([[], []], "cannot be read"),
        ([[float("nan")] * 2], "its lists hold no number"),
    ],
)
def test_lists_that_are_none_of_these_are_left_out_with_the_reason(lists: Any, why: str) -> None:
    assert why in str(infer_input(column(lists), "values"))
