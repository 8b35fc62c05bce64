"""The token of a text: what it is made of, and what it leaves out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from growlearn.ingest.ngrams import hash_texts
from growlearn.ingest.rows import object_column
from growlearn.network.ngram_ids import (
    NUM_NGRAM_IDS,
    count_ngrams,
    encode_in_parts,
    is_character_ngram,
    unpack,
)
from growlearn.network.stems.text import TextTokens

TEXTS = ["the cat sat", "the dog sat", None, "a cat and a dog and a cat", "?!"]


def stem_of(length: int = 0) -> TextTokens:
    torch.manual_seed(0)
    stem = TextTokens(length, 8).eval()
    stem.fit(stem.encode(object_column(TEXTS)))
    return stem


def tokens(stem: TextTokens, *texts: str | None) -> Tensor:
    with torch.no_grad():
        z: Tensor = stem(stem.encode(object_column(list(texts))))
    return z


def test_counted_n_grams_are_those_of_the_text() -> None:
    ids, counts = unpack(encode_in_parts(object_column(["ab ab", None]), count_ngrams))
    # word, its pair with nothing, its pair with itself, <ab ab> <ab>
    assert sorted(counts[0].tolist()) == [1, 1, 2, 2, 2, 2]
    assert ((ids >= 0) & (ids < NUM_NGRAM_IDS)).all()
    assert counts[1].sum() == 0


def test_words_are_told_from_character_n_grams() -> None:
    packed = encode_in_parts(object_column(["ab ab", None]), count_ngrams)
    assert is_character_ngram(packed).sum(1).tolist() == [3, 0]  # <ab ab> <ab>
    assert (packed != -1).sum(1).tolist() == [6, 0]


def test_of_a_text_with_too_many_n_grams_the_same_ones_are_kept() -> None:
    texts = ["one two three four", "one two three four five"]
    ids, counts = unpack(count_ngrams(hash_texts(texts), 2, max_ngrams=10))
    assert ids.shape == (2, 10)
    assert (counts > 0).all()
    assert len(set(ids[0].tolist()) & set(ids[1].tolist())) > 5


def test_texts_encoded_in_parts_are_those_encoded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stem, texts = stem_of(length=2), object_column([*TEXTS, "x" * 50])
    whole = stem.encode(texts)
    monkeypatch.setattr("growlearn.network.ngram_ids._TEXTS_AT_ONCE", 2)
    assert torch.equal(stem.encode(texts), whole)


def test_the_whole_text_is_a_sum_weighted_by_tf_idf() -> None:
    stem = stem_of()
    ids, counts = unpack(stem.encode(object_column(["the cat"])))
    weights = (1 + counts[0].log()) * stem.rarity[ids[0]]
    signs = torch.where(ids[0] >= NUM_NGRAM_IDS // 2, -1.0, 1.0)
    vectors = stem.embedding.weight[ids[0] % len(stem.embedding.weight)]
    expected = (signs * weights / weights.norm()) @ vectors + stem.position[0]
    assert torch.allclose(tokens(stem, "the cat")[0, 0], expected, atol=1e-6)


def test_what_no_text_of_the_first_window_has_weighs_nothing() -> None:
    stem = stem_of()
    assert torch.equal(tokens(stem, "xyzzy"), stem.position.expand(1, 1, 8))
    assert torch.allclose(tokens(stem, "cat xyzzy")[0], tokens(stem, "cat")[0], atol=0.1)


def test_rare_n_grams_weigh_more() -> None:
    stem = stem_of()
    common, rare = (unpack(stem.encode(object_column([word])))[0][0] for word in ("sat", "and"))
    assert stem.rarity[rare].max() > stem.rarity[common].max() > 0


def test_a_missing_text_is_that_without_any_n_gram_and_has_a_learned_offset() -> None:
    stem = stem_of()
    assert torch.equal(tokens(stem, None), tokens(stem, "?!"))
    with torch.no_grad():
        stem.missing.add_(1)
    assert torch.equal(tokens(stem, None)[0, 0], stem.position[0] + 1)
    assert torch.equal(tokens(stem, "xyzzy")[0, 0], stem.position[0])


def test_words_become_tokens_in_their_order() -> None:
    stem = stem_of(length=2)
    z = tokens(stem, "the cat sat", "the", "cat the")
    assert z.shape == (3, 3, 8)
    assert torch.equal(z[0, 1], z[1, 1])  # the first word of both
    assert torch.equal(z[1, 2], stem.position[2])  # no second word
    assert not torch.equal(z[0, 2], z[2, 1])


def test_case_and_spaces_decide_no_word() -> None:
    stem = stem_of(length=2)
    assert torch.equal(tokens(stem, "the cat")[0, 1:], tokens(stem, "The,  CAT!")[0, 1:])


def test_in_training_n_grams_and_words_are_left_out_at_random() -> None:
    stem = stem_of(length=2)
    encoded = stem.encode(object_column(["the cat sat"] * 300))
    z = stem.train()(encoded)
    is_dropped = (z[:, 1] == stem.position[1]).all(1).float().mean()
    assert 0.3 < is_dropped < 0.5
    assert len(torch.unique(z[:, 0].detach(), dim=0)) > 100
    assert torch.equal(stem.eval()(encoded)[0], stem(encoded)[1])


def test_a_copied_stem_knows_the_n_grams_of_its_own_window() -> None:
    stem = stem_of()
    stem.fit(stem.encode(object_column(["xyzzy", "plugh"])))
    assert not torch.equal(tokens(stem, "xyzzy")[0, 0], stem.position[0])
    assert torch.equal(tokens(stem, "dog")[0, 0], stem.position[0])


def test_a_long_text_costs_no_more_than_a_bounded_one() -> None:
    encoded = stem_of().encode(object_column([" ".join(map(str, np.arange(10_000)))]))
    assert encoded.shape[1] <= 8192
