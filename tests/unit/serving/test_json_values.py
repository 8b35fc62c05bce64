"""Values of JSON rows: which are refused before Arrow looks at them, and which share a column."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.lineage import Manifest
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.serving.json_rows import parse_json_rows
from growlearn.serving.json_values import find_kinds, find_object

SCHEMA = Schema(
    inputs={
        "pixels": InputColumn(type=InputType.IMAGE, shape=(1, 2, 2)),
        "c": InputColumn(type=InputType.CATEGORY),
        "steps": InputColumn(type=InputType.SERIES, shape=(2, 1)),
    },
    label="y",
)
NUMBER = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})


def nest(levels: int, value: Any = 1, key: str | None = None) -> Any:
    for _ in range(levels):
        value = [value] if key is None else {key: value}
    return value


@pytest.mark.parametrize(
    "value", [{}, {"a": 1}, nest(900, key="a"), [1, {"a": 1}], [None, [{}]], nest(4), nest(900)]
)
@pytest.mark.parametrize("column", ["pixels", "y"])
def test_objects_and_lists_in_too_many_levels_are_found_in_every_column(column: str, value: Any) -> None:
    reason = find_object({column: value}, SCHEMA)
    assert reason == f"column {column!r} holds an object, or lists in more than 3 levels"


@pytest.mark.parametrize("value", [None, "a", 1, [], [1, 2], nest(3), [[[None, "a"]]]])
def test_other_values_are_read(value: Any) -> None:
    assert find_object({"pixels": value, "no column": {}}, SCHEMA) is None


def test_a_row_with_one_has_its_reason_and_others_are_answered() -> None:
    manifest = Manifest(stream="s", schema=NUMBER, model=ModelConfig(), branches=(), tasks=())
    rows = [{"x": nest(900, key="a")}, {"x": 1.5}] * 40
    parsed = parse_json_rows(rows, manifest)
    assert parsed.positions.tolist() == list(range(1, 80, 2))
    assert set(parsed.reasons.values()) == {"column 'x' holds an object, or lists in more than 3 levels"}


def row(pixels: Any = None, c: Any = None, steps: Any = None) -> dict[str, Any]:
    return {"pixels": pixels, "c": c, "steps": steps}


@pytest.mark.parametrize(
    ("records", "kinds"),
    [
        ([row()], (None, None, None)),
        ([row(c=1), row(c=2.5), row()], (None, "number", None)),
        ([row("cG5n", True, [[1], [2]])], ("text", "boolean", "whole numbers")),
        ([row([[0, 255], [1, 7]]), row([0, 1, 2, 3])], ("whole numbers", None, None)),
        ([row(steps=[[0.5], [1]])], (None, None, "numbers")),
    ],
)
def test_records_of_one_kind_may_share_a_column(records: list[Any], kinds: Any) -> None:
    assert find_kinds(records, SCHEMA) == kinds


@pytest.mark.parametrize(
    "records",
    [
        [row([0, 0.5, 1, 1])],  # SCHEMA does not say what is white: it is read by the range of the column
        [row(c=1), row(c=True)],
        [row(c="1"), row(c=1)],
        [row(steps=[1, 2]), row(steps=[0.5, 1])],
        [row([1, None, 1, 1])],
        [row([1, True, 1, 1])],
    ],
)
def test_others_are_parsed_apart(records: list[Any]) -> None:
    assert find_kinds(records, SCHEMA) is None


def test_fractions_may_share_a_column_where_it_is_said_what_is_white() -> None:
    white = {
        name: replace(column, pixel_max=1) if column.type is InputType.IMAGE else column
        for name, column in SCHEMA.inputs.items()
    }
    records = [row([0, 0.5, 1, 1]), row([0.25, 0, 0, 0])]
    assert find_kinds(records, replace(SCHEMA, inputs=white)) == ("numbers", None, None)
