"""A row is a set of ids and of pairs; reserved channels of every token carry its scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.stems.linear import LinearTerm
from growlearn.network.stems.stem import LINEAR_SCALE, Stem, load_stem, make_stem

MODEL = ModelConfig(embed_dim=16, num_heads=2)
SCHEMA = Schema(inputs={"words": InputColumn(type=InputType.TOKENS, vocabulary=30, length=6)})


def ids(*rows: list[int]) -> dict[str, Tensor]:
    return {"words": torch.tensor([(row + [-1] * 6)[:6] for row in rows])}


@pytest.fixture
def term() -> LinearTerm:
    return with_random_weights(LinearTerm({"words": 30}, num_classes=3))


def with_random_weights(term: LinearTerm) -> LinearTerm:
    torch.manual_seed(0)
    term.weight.copy_(torch.randn_like(term.weight))
    term.bias.copy_(torch.randn_like(term.bias))
    return term


def test_the_order_of_ids_matters_through_their_pairs(term: LinearTerm) -> None:
    scores = term(ids([1, 2], [2, 1], [1, 2]))
    assert not torch.allclose(scores[0], scores[1])
    assert torch.equal(scores[0], scores[2])


def test_an_id_that_is_repeated_counts_once(term: LinearTerm) -> None:
    buckets, values = term.bag(ids([7], [7, 7, 7]))
    assert (values > 0).sum(1).tolist() == [1, 2]  # the id; the id and its pair
    assert torch.allclose(values.norm(dim=1), torch.ones(2))
    assert buckets[1][values[1] > 0][0] == 7


def test_padding_is_no_id_and_an_empty_row_has_the_bias(term: LinearTerm) -> None:
    scores = term(ids([], [0]))
    assert torch.equal(scores[0], term.bias)
    assert not torch.allclose(scores[1], term.bias)


def test_a_rare_id_weighs_more(term: LinearTerm) -> None:
    term.fit_rarity(ids([1, 2], [1, 3], [1, 4], [1, 5]))
    assert torch.isclose(term.rarity[1], torch.tensor(1.0))  # log(5 / 5) + 1
    assert torch.isclose(term.rarity[2], torch.log(torch.tensor(5 / 2)) + 1)


def test_a_large_vocabulary_is_hashed() -> None:
    term = with_random_weights(LinearTerm({"words": 2**31 - 1}, num_classes=2))
    scores = term(ids([2**31 - 2, 2**31 - 3, 5], [0]))
    assert scores.isfinite().all()
    assert len(term.rarity) < 2**15


def test_two_columns_have_buckets_of_their_own() -> None:
    term = LinearTerm({"words": 30, "title": 30}, num_classes=2)
    inputs = ids([3]) | {"title": ids([3])["words"]}
    buckets, values = term.bag(inputs)
    assert len(set(buckets[values > 0].tolist())) == 2


@pytest.fixture
def rows() -> Rows:
    words = np.random.default_rng(0).integers(0, 30, (8, 6)).astype(np.int32)
    return Rows({"words": words}, object_column([0, 1] * 4), None, hash_rows({"words": words}, SCHEMA))


def stem_with_term(rows: Rows) -> Stem:
    stem = make_stem(SCHEMA, MODEL, rows)
    term = stem.add_linear_term(3)
    assert term is not None
    with_random_weights(term)
    return stem


def test_pooled_tokens_hold_the_scores(rows: Rows) -> None:
    stem = stem_with_term(rows)
    assert stem.linear is not None
    inputs = stem.encode(rows)
    z = stem(inputs)
    assert z.shape == (8, 6, 16)
    assert torch.allclose(z.mean(1)[:, :3] / LINEAR_SCALE, stem.linear(inputs), rtol=1e-4)
    stem.linear = None
    assert torch.equal(z[..., 3:], stem(inputs)[..., 3:])


def test_stored_weights_bring_the_term_along(rows: Rows) -> None:
    stem = stem_with_term(rows)
    again = load_stem(SCHEMA, MODEL, stem.state_dict())
    assert torch.equal(again(again.encode(rows)), stem(stem.encode(rows)))


def test_many_classes_or_no_ids_reserve_nothing(rows: Rows) -> None:
    assert make_stem(SCHEMA, MODEL, rows).add_linear_term(5) is None  # more than 4 of 16 channels
    numbers = Schema(inputs={"x": InputColumn(type=InputType.NUMBER)})
    inputs = {"x": np.arange(8.0)}
    number_rows = Rows(inputs, rows.labels, None, hash_rows(inputs, numbers))
    assert make_stem(numbers, MODEL, number_rows).add_linear_term(2) is None
