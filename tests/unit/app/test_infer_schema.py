from __future__ import annotations

from datetime import UTC, date, datetime
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


NUMBER, CATEGORY = InputColumn(type=InputType.NUMBER), InputColumn(type=InputType.CATEGORY)
BOOLEAN, DATETIME = InputColumn(type=InputType.BOOLEAN), InputColumn(type=InputType.DATETIME)
NAMES = "nearly every value occurs once, as names do; with {type: text} its words are read"
IDENTIFIER = "an identifier, different in every row; as schema.id_column it would let labels arrive later"


def test_a_text_column_in_which_nearly_every_value_occurs_once_is_left_out() -> None:
    names = [f"name {number}" for number in range(29)]
    assert infer_input(column([*names, names[0]]), "n") == NAMES
    assert infer_input(column([*names, "other"]), "n") == IDENTIFIER
    assert infer_input(column(["a", "b"] * 15), "kind") == CATEGORY
    assert infer_input(column(["a", "b"]), "kind") == CATEGORY  # too few to say


@pytest.mark.parametrize(
    "values",
    [
        [f"the parcel {number} came two days late" for number in range(30)],
        [f"the parcel {number // 2} came two days late" for number in range(30)],  # some twice
        [f"包裹{number}迟到了两天。箱子也坏了" for number in range(30)],
        ["it is broken and I want it back", None, "", "all went well, thank you so much"],
    ],
)
def test_many_distinct_strings_of_several_words_are_texts(values: list[Any]) -> None:
    assert infer_input(column(values), "comment_id") == InputColumn(type=InputType.TEXT)


@pytest.mark.parametrize(
    "values",
    [
        ["paid in full by bank transfer", "not paid yet in spite of reminders"] * 15,  # recur
        [f"/home/u/data/2012/01/a-b-c-d-e/{number}.txt" for number in range(30)],
        [f"7f000001-8e2b-4a5c-9d{number:02}-aabbccddeeff" for number in range(30)],
        [f"{number} 17 230 4 5 99" for number in range(30)],  # token ids
        [f"Mrs. Jane {number} Doe" for number in range(30)],
    ],
)
def test_categories_paths_ids_and_names_are_no_texts(values: list[Any]) -> None:
    assert infer_input(column(values), "t") != InputColumn(type=InputType.TEXT)


@pytest.mark.parametrize(
    "values",
    [
        [datetime(2012, 1, day, tzinfo=UTC) for day in range(1, 31)],
        [date(2012, 1, day) for day in range(1, 31)],
        [f"2012-01-{day:02}" for day in range(1, 31)],
        [f"2012-01-{day:02} 05:00:00" for day in range(1, 31)] + [None],
        ["2012-01-01T05:00:00Z", "2012-07-01T05:00:00+02:00"] * 15,
        [f"2012/1/{day}" for day in range(1, 31)],
        [f"2012.01.{day:02} 05:00" for day in range(1, 31)],
    ],
)
def test_dates_and_times_are_recognised_in_text_too(values: list[Any]) -> None:
    assert infer_input(column(values), "day") == DATETIME


@pytest.mark.parametrize(
    "values",
    [
        [f"1/{day}/2012" for day in range(1, 31)],
        ["01/02/12", None] * 15 + ["01/03/12"],
        ["31.01.2012 05:00", "01.02.2012 05:00"] * 15,
    ],
)
def test_dates_that_do_not_tell_day_from_month_are_left_out_and_told_of(values: list[Any]) -> None:
    why = infer_input(column(values), "day")
    assert str(why).startswith(f"dates such as {values[0]!r}, which do not tell the day from the month")


@pytest.mark.parametrize("values", [["1.2.13", "1.2.14"] * 15, ["10-2-33", "10-2-34"] * 15])
def test_numbers_of_versions_are_no_dates(values: list[Any]) -> None:
    assert infer_input(column(values), "build") == CATEGORY


@pytest.mark.parametrize(
    "values", [["2012-01-01", "soon"] * 15, ["2012-13-01", "2012-01-01"] * 15, ["12:00", "13:00"] * 15]
)
def test_text_of_which_some_is_no_time_is_a_category(values: list[Any]) -> None:
    assert infer_input(column(values), "day") == CATEGORY


@pytest.mark.parametrize(
    "values", [[True, False, None] * 10, ["True", "False"] * 15, ["true", "FALSE", None] * 10]
)
def test_booleans_are_recognised(values: list[Any]) -> None:
    assert infer_input(column(values), "paid") == BOOLEAN


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([7] * 30, "a constant, 7 in each of the 30 rows read"),
        (["x"] * 30, "a constant, 'x' in each of the 30 rows read"),
        ([True] * 30, "a constant, True in each of the 30 rows read"),
        ([None] * 30, "no value in any row read"),
        (pa.array([None] * 30, pa.float64()), "no value in any row read"),
    ],
)
def test_a_constant_is_left_out(values: Any, why: str) -> None:
    assert infer_input(column(values), "c") == why


def test_a_column_of_one_value_and_gaps_is_kept_because_the_gaps_tell_something() -> None:
    assert infer_input(column([7, None] * 15), "c") == NUMBER
    assert infer_input(column(["x", None] * 15), "c") == CATEGORY
    assert infer_input(column([7] * 20), "c") == NUMBER  # too few rows to say


@pytest.mark.parametrize(
    ("values", "name", "expected"),
    [
        (list(range(100, 130)), "n", IDENTIFIER),
        (list(range(130, 100, -3)) + list(range(100, 40, -3)), "n", IDENTIFIER),
        ([number * 7 % 31 for number in range(30)], "customer_id", IDENTIFIER),
        ([number * 7 % 31 for number in range(30)], "customerId", IDENTIFIER),
        ([number * 7 % 31 for number in range(30)], "humid", NUMBER),
        ([1, *range(29)], "n", NUMBER),
        ([1, *range(29)], "customer_id", NUMBER),
        ([float(number) for number in range(30)], "n", NUMBER),
        (list(range(15)), "id", NUMBER),  # too few rows to say
    ],
)
def test_whole_numbers_that_identify_rows_are_left_out(values: list[Any], name: str, expected: Any) -> None:
    assert infer_input(column(values), name) == expected


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


@pytest.mark.parametrize(
    ("lists", "pixel_max"),
    [
        ([[0.0, 0.5, 1.0, 0.25]], 1),
        ([[0, 1, 1, 0]], 1),  # a picture of two colours
        ([[0.0, 0.0, 0.0, 0.0]], None),
        ([[0.5, 1.0, 1.0, 0.0], [0.0, 200.0, 0.0, 0.0]], None),
    ],
)
def test_pixels_up_to_one_are_recognised(lists: Any, pixel_max: int | None) -> None:
    image = infer_input(column(lists), "values")
    assert isinstance(image, InputColumn)
    assert image.pixel_max == pixel_max
