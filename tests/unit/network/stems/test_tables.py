"""Tokens of missing and unknown values of number, category and boolean columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.stems.stem import Stem, load_stem, make_stem
from growlearn.network.stems.tables import NumberTokens, choose_num_bins

SCHEMA = Schema(
    inputs={
        "x": InputColumn(type=InputType.NUMBER),
        "colour": InputColumn(type=InputType.CATEGORY),
        "paid": InputColumn(type=InputType.BOOLEAN),
    }
)
COMPLETE: dict[str, list[Any]] = {
    "x": [1.0, 2.0, 3.0, 4.0, 9.0],
    "colour": ["red", "red", "red", "blue", "green"],
    "paid": ["true", "true", "false", "false", "true"],
}
X, COLOUR, PAID = range(3)


def rows_of(**columns: list[Any]) -> Rows:
    columns = {**COMPLETE, **columns}
    count = min(len(column) for column in columns.values())
    inputs: dict[str, Any] = {
        "x": np.array(columns["x"][:count], dtype=np.float64),
        "colour": object_column(columns["colour"][:count]),
        "paid": object_column(columns["paid"][:count]),
    }
    return Rows(inputs, object_column([0] * count), None, hash_rows(inputs, SCHEMA))


def stem_of(rows: Rows) -> Stem:
    torch.manual_seed(0)
    return make_stem(SCHEMA, ModelConfig(embed_dim=8, num_heads=2), rows)


def tokens(stem: Stem, rows: Rows) -> Tensor:
    with torch.no_grad():
        z: Tensor = stem(stem.encode(rows))  # [B, 3, D]
    return z


def train(stem: Stem, rows: Rows) -> None:
    """Some steps in which every token moves."""
    optimizer = torch.optim.AdamW(stem.parameters(), lr=0.1, weight_decay=0.05)
    for _ in range(20):
        optimizer.zero_grad()
        (stem(stem.encode(rows)) - 3.0).square().mean().backward()
        optimizer.step()


def test_a_number_missing_for_the_first_time_is_read_as_the_median() -> None:
    stem = stem_of(rows_of())
    train(stem, rows_of())
    asked = tokens(stem, rows_of(x=[np.nan, 3.0]))
    assert torch.equal(asked[0, X], asked[1, X])


def test_a_category_or_boolean_missing_for_the_first_time_is_read_as_the_mean_value() -> None:
    stem = stem_of(rows_of())
    train(stem, rows_of())
    seen = tokens(stem, rows_of())
    asked = tokens(stem, rows_of(colour=[None, "never seen"], paid=[None, None]))
    for column in (COLOUR, PAID):
        assert torch.allclose(asked[:, column], seen[:, column].mean(0), atol=1e-6)


def test_a_boolean_that_was_always_the_same_reads_the_other_value_as_unknown() -> None:
    stem = stem_of(rows_of(paid=["true"] * 5))
    train(stem, rows_of(paid=["true"] * 5))
    asked = tokens(stem, rows_of(paid=["true", "false"]))
    assert torch.allclose(asked[0, PAID], asked[1, PAID], atol=1e-6)


def test_a_missing_value_learns_a_token_of_its_own() -> None:
    rows = rows_of(x=[1.0, 2.0, 3.0, 4.0, np.nan], colour=["red", "red", "red", "blue", None])
    stem = stem_of(rows)
    train(stem, rows)
    asked = tokens(stem, rows_of(x=[np.nan, 2.5], colour=[None, "never seen"]))
    assert (asked[0, X] - asked[1, X]).abs().max() > 0.1
    assert (asked[0, COLOUR] - asked[1, COLOUR]).abs().max() > 0.1


def test_missing_values_change_nothing_of_how_the_others_are_read() -> None:
    with_gaps = {name: [*values, np.nan if name == "x" else None] for name, values in COMPLETE.items()}
    whole, gaps = stem_of(rows_of()), stem_of(rows_of(**with_gaps))
    assert torch.equal(tokens(whole, rows_of()), tokens(gaps, rows_of()))


@pytest.mark.parametrize("later", [3.0, -1e9, 1e9])
def test_values_of_a_column_that_was_missing_throughout_are_read_as_missing(later: float) -> None:
    stem = stem_of(rows_of(x=[np.nan] * 5, colour=[None] * 5, paid=[None] * 5))
    train(stem, rows_of(x=[np.nan] * 5, colour=[None] * 5, paid=[None] * 5))
    asked = tokens(stem, rows_of(x=[np.nan, later]))
    assert torch.isfinite(asked).all()
    assert torch.equal(asked[0, X], asked[1, X])


def test_a_copied_stem_keeps_its_normalisation_of_a_column_that_is_missing_throughout() -> None:
    stem = stem_of(rows_of())
    before = tokens(stem, rows_of())
    stem.fit(stem.encode(rows_of(x=[np.nan] * 5, colour=[None] * 5, paid=[None] * 5)))
    assert torch.equal(tokens(stem, rows_of()), before)


@pytest.mark.parametrize("count", [50, 2_000])
def test_a_stored_stem_keeps_its_number_of_bins(count: int) -> None:
    rows = rows_of(x=[float(value) for value in range(count)], colour=["red"] * count, paid=["true"] * count)
    stem = stem_of(rows)
    stored = load_stem(SCHEMA, ModelConfig(embed_dim=8, num_heads=2), stem.state_dict())
    assert torch.equal(tokens(stored, rows), tokens(stem, rows))


def test_few_rows_have_few_bins_with_the_median_as_an_edge() -> None:
    assert [choose_num_bins(rows) for rows in (1, 700, 2_900, 100_000)] == [8, 10, 48, 48]
    assert all(choose_num_bins(rows) % 2 == 0 for rows in range(1, 5_000, 7))


def fit_numbers(values: np.ndarray[Any, Any]) -> NumberTokens:
    tokens = NumberTokens(["x"], 8)
    tokens.fit_values(torch.from_numpy(values)[:, None])
    return tokens


@pytest.mark.parametrize("value", [0.1, 0.3, 1.1, 1000000.1, 5.0])
def test_a_column_that_was_constant_has_a_scale_of_one(value: float) -> None:
    """The deviation of equal numbers may be a rounding error, of which any change would be ten times."""
    assert float(fit_numbers(np.full(1000, value)).scale[0]) == 1.0


def test_numbers_that_stand_for_none_leave_the_others_finite() -> None:
    values = np.append(np.linspace(0, 1, 98), [np.finfo(np.float64).max] * 2)
    tokens = fit_numbers(values)
    assert torch.isfinite(tokens.mean).all()
    assert torch.isfinite(tokens.scale).all()
    with torch.no_grad():
        assert torch.isfinite(tokens.embed_values(torch.from_numpy(values)[:, None])).all()
