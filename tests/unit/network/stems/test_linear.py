"""A row is a bag of ids or n-grams; reserved channels of every token carry its scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType, Schema
from growlearn.ingest.rows import Rows, hash_rows, object_column
from growlearn.network.ngram_ids import NUM_NGRAM_IDS, count_ngrams, encode_in_parts
from growlearn.network.stems.bags import SummaryBag, TextBag, TokenBag
from growlearn.network.stems.linear import LinearTerm
from growlearn.network.stems.stem import LINEAR_SCALE, Stem, load_stem, make_stem

MODEL = ModelConfig(embed_dim=16, num_heads=2)
TEXT_SCHEMA = Schema(inputs={"t": InputColumn(type=InputType.TEXT)})
SCHEMA = Schema(inputs={"words": InputColumn(type=InputType.TOKENS, vocabulary=30, length=6)})


def ids(*rows: list[int]) -> dict[str, Tensor]:
    return {"words": torch.tensor([(row + [-1] * 6)[:6] for row in rows])}


@pytest.fixture
def term() -> LinearTerm:
    return with_random_weights(LinearTerm({"words": TokenBag(30)}, num_classes=3))


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
    term.fit_rarity(term.count_rows(ids([1, 2], [1, 3], [1, 4], [1, 1])), 4)
    assert torch.isclose(term.rarity[1], torch.tensor(1.0))  # log(5 / 5) + 1
    assert torch.isclose(term.rarity[2], torch.log(torch.tensor(5 / 2)) + 1)


def test_what_no_row_had_counts_nothing(term: LinearTerm) -> None:
    term.fit_rarity(term.count_rows(ids([1, 2], [1, 3])), 2)
    assert torch.equal(term(ids([9]))[0], term.bias)
    assert torch.equal(term(ids([9, 1]))[0], term(ids([1]))[0])


def test_a_large_vocabulary_is_hashed() -> None:
    term = with_random_weights(LinearTerm({"words": TokenBag(2**31 - 1)}, num_classes=2))
    scores = term(ids([2**31 - 2, 2**31 - 3, 5], [0]))
    assert scores.isfinite().all()
    assert len(term.rarity) < 2**15


def texts(*rows: str | None) -> dict[str, Tensor]:
    return {"text": encode_in_parts(object_column(list(rows)), count_ngrams)}


def test_words_and_character_n_grams_of_a_text_count_alike() -> None:
    term = LinearTerm({"text": TextBag(0)}, num_classes=2)
    buckets, values = term.bag(texts("ab cd cd", None))
    of_characters = buckets >= NUM_NGRAM_IDS
    for block in (of_characters, ~of_characters):
        assert torch.isclose((values[0] * block[0]).norm(), torch.tensor(0.5).sqrt())
    words = values[0][~of_characters[0]]
    assert (words > 0).sum() == 5  # ab, cd, <> ab, ab cd, cd cd
    assert torch.isclose(words.max() / words[words > 0].min(), 1 + torch.log(torch.tensor(2.0)))
    assert not values[1].any()


def test_a_text_column_keeps_its_words_in_order_apart() -> None:
    plain, ordered = (make_text_stem(length) for length in (None, 2))
    rows = text_rows()
    for stem in (plain, ordered):
        term = stem.add_linear_term(2)
        assert term is not None
        term.weight.copy_(torch.linspace(-1, 1, term.weight.numel()).view_as(term.weight))
    assert plain.linear is not None
    assert ordered.linear is not None
    assert torch.equal(plain.linear(plain.encode(rows)), ordered.linear(ordered.encode(rows)))


def make_text_stem(length: int | None) -> Stem:
    schema = Schema(inputs={"t": InputColumn(type=InputType.TEXT, length=length)})
    return make_stem(schema, MODEL, text_rows())


def text_rows() -> Rows:
    inputs = {"t": object_column(["the cat sat", "a dog", None])}
    return Rows(inputs, object_column([0, 1, 1]), None, hash_rows(inputs, TEXT_SCHEMA))


def test_two_columns_have_buckets_of_their_own() -> None:
    term = LinearTerm({"words": TokenBag(30), "title": TokenBag(30)}, num_classes=2)
    inputs = ids([3]) | {"title": ids([3])["words"]}
    buckets, values = term.bag(inputs)
    assert len(set(buckets[values > 0].tolist())) == 2


def test_the_linear_term_reads_the_summary_of_an_encoder_alone() -> None:
    term = LinearTerm({"encoded": SummaryBag(3)}, num_classes=2)
    features = torch.tensor(
        [[9.0, 9.0, 3.0, 0.0, -4.0], [9.0, 9.0, 0.0, 0.0, 2.0]]
    ).half()  # two tokens first
    inputs = {"encoded": features}
    term.fit_rarity(term.count_rows(inputs), 2)
    buckets, values = term.bag(inputs)
    assert buckets.tolist() == [[0, 1, 2]] * 2
    # A value below 0 occurs too, so its bucket is as frequent as that of two rows; one always 0 is out.
    expected = torch.tensor([[3.0 * (torch.log(torch.tensor(1.5)) + 1), 0.0, -4.0], [0.0, 0.0, 1.0]])
    assert torch.allclose(values, F.normalize(expected, dim=1))


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
