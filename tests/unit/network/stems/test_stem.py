"""Columns with any name become tokens."""

from __future__ import annotations

import numpy as np
import torch

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.stems.stem import make_stem

SCHEMA = Schema(
    inputs={
        "numbers": InputColumn(type=InputType.CATEGORY),
        "image": InputColumn(type=InputType.IMAGE, shape=(1, 8, 8)),
        "x": InputColumn(type=InputType.NUMBER),
    }
)


def test_a_category_named_numbers_is_not_confused_with_the_numbers() -> None:
    inputs = {
        "numbers": object_column(["one", "two", "one"]),
        "image": np.zeros((3, 1, 8, 8), np.uint8),
        "x": np.array([1.0, 2.0, 3.0]),
    }
    rows = Rows(inputs, object_column([0, 1, 0]), None, hash_rows(inputs, SCHEMA))
    torch.manual_seed(0)
    stem = make_stem(SCHEMA, ModelConfig(embed_dim=8, num_heads=2, patch_size=4), rows)
    tokens = stem(stem.encode(rows))
    assert tokens.shape == (3, 4 + 1 + 1, 8)
    assert not torch.equal(tokens[0], tokens[2])  # they differ in x alone
    assert torch.equal(tokens[0, -1], tokens[2, -1])
    assert not torch.equal(tokens[0, -1], tokens[1, -1])
