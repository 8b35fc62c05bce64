from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.schema import InputColumn, InputType, Label, Schema, sort_labels

LABELS = st.lists(st.one_of(st.integers(), st.text(max_size=3)))
NUMBER = InputColumn(type=InputType.NUMBER)


def test_an_image_needs_its_shape() -> None:
    with pytest.raises(ValueError, match="an image needs shape"):
        InputColumn(type=InputType.IMAGE)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"type": InputType.NUMBER, "shape": (1, 8, 8)},
            "shape is for image and series; this input is a number",
        ),
        ({"type": InputType.CATEGORY, "length": 3}, "length is for tokens and text; this input"),
        ({"type": InputType.TOKENS}, "a column of tokens needs vocabulary: ids run from 0 to one less"),
        (
            {"type": InputType.TOKENS, "vocabulary": 5},
            "a column of tokens needs length: tokens kept of a row",
        ),
        ({"type": InputType.TOKENS, "vocabulary": 1, "length": 5}, "vocabulary 1 must lie between 2 and"),
        ({"type": InputType.TOKENS, "vocabulary": 9, "length": 0}, "length 0 must lie between 1 and"),
        ({"type": InputType.SERIES}, r"a series needs shape: \[steps, channels\]"),
        ({"type": InputType.SERIES, "shape": (8,)}, r"shape \[8\] must be \[steps, channels\], \[steps, 1\]"),
        ({"type": InputType.SERIES, "shape": (0, 1)}, r"shape \[0, 1\] must be \[steps, channels\]"),
        ({"type": InputType.SERIES, "shape": (8, 1), "vocabulary": 5}, "vocabulary is for tokens"),
        (
            {"type": InputType.SERIES, "shape": (8, 1), "pixel_max": 1},
            "pixel_max is for image; this input is",
        ),
        ({"type": InputType.IMAGE, "shape": (1, 8, 8), "pixel_max": 2}, "pixel_max 2 must be 1 or 255"),
    ],
)
def test_each_type_has_its_own_keys_and_says_which(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InputColumn(**keys)


@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 0, 8), (3, 8, -1), (8, 8), ()])
def test_an_image_has_one_or_three_channels_and_some_pixels(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        InputColumn(type=InputType.IMAGE, shape=shape)


def test_a_schema_needs_an_input() -> None:
    with pytest.raises(ValueError, match="at least one column"):
        Schema(inputs={})


@pytest.mark.parametrize(("label", "task"), [("x", None), ("y", "x")])
def test_an_input_is_not_the_label_or_the_task_too(label: str, task: str | None) -> None:
    with pytest.raises(ValueError, match="'x' is an input"):
        Schema(inputs={"x": NUMBER}, label=label, task=task)


def test_the_label_is_not_the_task_too() -> None:
    with pytest.raises(ValueError, match="'y' is the label and the task"):
        Schema(inputs={"x": NUMBER}, label="y", task="y")


@pytest.mark.parametrize(
    ("id_column", "message"),
    [
        ("x", "'x' is an input"),
        ("y", "'y' is the id column and the label or task"),
        ("t", "'t' is the id column and the label or task"),
        ("_row_hash", "reserved for stored rows"),
    ],
)
def test_the_id_column_is_a_column_of_its_own(id_column: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Schema(inputs={"x": NUMBER}, label="y", task="t", id_column=id_column)


@given(LABELS)
def test_labels_are_ordered_alike_whatever_order_they_come_in(labels: list[Label]) -> None:
    assert sort_labels(labels) == sort_labels(reversed(labels))


@given(LABELS)
def test_ordered_labels_are_the_distinct_ones_integers_first(labels: list[Label]) -> None:
    result = sort_labels(labels)
    integers = [label for label in result if isinstance(label, int)]
    strings = [label for label in result if isinstance(label, str)]
    assert list(result) == sorted(integers) + sorted(strings)
    assert set(result) == set(labels)
    assert len(set(result)) == len(result)


def images(pixel_max: int | None) -> Schema:
    image = InputColumn(type=InputType.IMAGE, shape=(1, 8, 8), pixel_max=pixel_max)
    text = InputColumn(type=InputType.TEXT, length=3)
    return Schema(inputs={"image": image, "t": text}, label="y")


def test_what_is_white_does_not_change_the_columns() -> None:
    """So it may be told of a stream that has rows; files that were unusable are read again."""
    assert images(None) == images(255) == images(1)
    assert images(None).digest == "2f969334b6ebf594"  # as of release 0.1.0
    assert len({images(pixel_max).digest for pixel_max in (None, 255, 1)}) == 3


@pytest.mark.parametrize(("of_the_job", "read_as"), [(None, 255), (255, 255), (1, 1)])
def test_a_model_reads_images_as_its_job_says(of_the_job: int | None, read_as: int) -> None:
    inputs = images(1).with_pixels_as(images(of_the_job)).inputs
    assert [column.pixel_max for column in inputs.values()] == [read_as, None]
