"""Columns of any name become tokens."""

from __future__ import annotations

import numpy as np
import torch

from growlearn.domain.job import ModelSpec
from growlearn.domain.schema import Input, InputType, Schema
from growlearn.growth.stems.stem import new_stem
from growlearn.ingest.rows import Rows, object_column, row_keys

SCHEMA = Schema(
    inputs={
        "numbers": Input(type=InputType.CATEGORY),
        "image": Input(type=InputType.IMAGE, shape=(1, 8, 8)),
        "x": Input(type=InputType.NUMBER),
    }
)


def test_a_category_called_numbers_is_not_taken_for_the_numbers() -> None:
    inputs = {
        "numbers": object_column(["one", "two", "one"]),
        "image": np.zeros((3, 1, 8, 8), np.uint8),
        "x": np.array([1.0, 2.0, 3.0]),
    }
    rows = Rows(inputs, object_column([0, 1, 0]), None, row_keys(inputs, SCHEMA))
    torch.manual_seed(0)
    stem = new_stem(SCHEMA, ModelSpec(width=8, heads=2, patch=4), rows)
    tokens = stem(stem.encode(rows))
    assert tokens.shape == (3, 4 + 1 + 1, 8)
    assert not torch.equal(tokens[0], tokens[2])  # they differ by x alone
    assert torch.equal(tokens[0, -1], tokens[2, -1])
    assert not torch.equal(tokens[0, -1], tokens[1, -1])
