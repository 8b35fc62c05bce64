"""Rows as scripts have them become tables; what cannot is one clear error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from growlearn.app.library.columns import append_column, find_image_shape, to_table
from growlearn.domain.errors import GrowLearnError


@pytest.mark.parametrize(
    "features",
    [
        np.array([[1.0, 4.0], [2.0, 5.0]]),
        pd.DataFrame({"x0": [1.0, 2.0], "x1": [4.0, 5.0]}, index=[7, 9]),
        pa.table({"x0": [1.0, 2.0], "x1": [4.0, 5.0]}),
        {"x0": [1.0, 2.0], "x1": np.array([4.0, 5.0])},
    ],
)
def test_every_kind_of_table_gives_the_same_columns(features: Any) -> None:
    assert to_table(features).to_pydict() == {"x0": [1.0, 2.0], "x1": [4.0, 5.0]}


@pytest.mark.parametrize(("shape", "expected"), [((3, 4, 5), (1, 4, 5)), ((3, 4, 5, 3), (3, 4, 5))])
def test_images_become_one_list_a_row_channel_by_channel(
    shape: tuple[int, ...], expected: tuple[int, int, int]
) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert find_image_shape(images) == expected
    rows = np.array(to_table(images)["image"].to_pylist(), dtype=np.uint8).reshape(3, *expected)
    assert np.array_equal(rows, images.reshape(3, 4, 5, -1).transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    "features",
    [
        np.zeros((3, 4, 5)),  # images of floats: of which range?
        np.zeros((3, 4, 5, 2), dtype=np.uint8),
        np.zeros(3),
        np.zeros((0, 2)),
        pd.DataFrame({"a": []}),
        {"a": [1, "x", 2.5]},
        {"a": [1, 2], "b": [1]},
    ],
)
def test_what_is_no_table_is_refused(features: Any) -> None:
    with pytest.raises(GrowLearnError) as error:
        to_table(features)
    assert error.value.hint


def test_labels_are_one_a_row_and_of_one_type() -> None:
    table = to_table({"a": [1, 2]})
    assert append_column(table, "y", np.array([0, 1]))["y"].to_pylist() == [0, 1]
    assert append_column(table, "y", ["no", None])["y"].to_pylist() == ["no", None]
    for values in ([1], [1, 2, 3], [1, "x"]):
        with pytest.raises(GrowLearnError, match="y"):
            append_column(table, "y", values)
