from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from growlearn.app.recognition import guess_label, input_of
from growlearn.domain.schema import Input, InputType


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
    assert input_of(column([0, 1, 2]), name) == "the index that pandas wrote"


def test_a_text_column_in_which_nearly_every_value_occurs_once_is_left_out() -> None:
    dates = [f"2012-01-{day:02}" for day in range(1, 31)]
    assert input_of(column(dates), "date") == "nearly every value occurs once, as names and dates do"
    assert input_of(column(["a", "b"] * 15), "kind") == Input(type=InputType.CATEGORY)
    assert input_of(column(["a", "b"]), "kind") == Input(type=InputType.CATEGORY)  # too few to say
