from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.model_config import MODEL_SIZES, ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema


def test_a_size_gives_the_shape_that_is_not_given() -> None:
    small, base = ModelConfig(), ModelConfig(size="base", depth=1)
    assert (small.size, small.embed_dim, small.depth, small.num_heads) == ("small", 64, 1, 4)
    assert (base.embed_dim, base.depth, base.num_heads) == (128, 1, 4)
    assert replace(base, depth=3).embed_dim == 128


@pytest.mark.parametrize("size", MODEL_SIZES)
def test_each_size_is_a_valid_shape_and_larger_than_the_one_before(size: Any) -> None:
    sizes = list(MODEL_SIZES)
    assert ModelConfig(size=size).embed_dim == 32 * 2 ** sizes.index(size)


@pytest.mark.parametrize(
    ("others", "limit"), [(("category", "datetime"), 6), (("text",), 3), (("boolean", "text"), 3)]
)
def test_a_lineage_on_plain_columns_may_have_more_branches(others: tuple[str, ...], limit: int) -> None:
    types = map(InputType, ("number", *others))
    schema = Schema(inputs={f"c{index}": InputColumn(type=kind) for index, kind in enumerate(types)})
    assert ModelConfig().lineage_limit(schema) == limit
    assert ModelConfig(max_lineage_length=2).lineage_limit(schema) == 2
