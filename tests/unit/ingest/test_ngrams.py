"""Hashes of n-grams: equal everywhere, of every language, and of one text whatever stands beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.ingest import ngrams
from growlearn.ingest.ngrams import HashedTexts, hash_texts

CHARACTERS = st.characters(codec="utf-8")
TEXTS = st.lists(st.one_of(st.none(), st.text(CHARACTERS, max_size=60)))
MASK = 2**64 - 1
BASE = 0x9E3779B97F4A7C15
WORDS = ("the", "cat", "straße", "猫", "🙂")


def mix(value: int) -> int:
    value = (value + BASE) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def hash_slowly(codes: Sequence[int], mark: int) -> int:
    inverse = pow(BASE, -1, 2**64)
    total = sum(mix(code) * pow(inverse, place, 2**64) for place, code in enumerate(codes)) & MASK
    return mix(total ^ mark)


def words_of(text: str) -> HashedTexts:
    return hash_texts([text])


def test_hashes_never_change() -> None:
    """Stored embeddings depend on them."""
    hashed = hash_texts(["The cat", None, "Straße 猫🙂"])
    assert hashed.words.tolist() == [hash_slowly([*map(ord, word)], 0x51) for word in WORDS]
    assert hashed.word_rows.tolist() == [0, 0, 2, 2, 2]
    assert hashed.words[0] == 0x7400A07F21F0A558
    assert hashed.pairs[1] == 0x35430EC97186A22D
    assert hashed.ngrams[0] == 0xA5F4033D9DFAA330
    assert len(hashed.ngrams) == (3 + 2 + 1) + (3 + 2 + 1) + (6 + 5 + 4) + 1 + 1


def test_an_n_gram_has_the_hash_of_its_characters() -> None:
    begin, end = 0x110001, 0x110002
    hashed = words_of("Ab")
    codes = [begin, ord("A"), ord("b"), end]
    expected = [codes[:3], codes[1:], codes]
    assert hashed.ngrams.tolist() == [hash_slowly(each, 0x53) for each in expected]


@given(TEXTS)
def test_a_text_s_hashes_do_not_depend_on_the_others(texts: list[str | None]) -> None:
    together = hash_texts(texts)
    for row, text in enumerate(texts):
        alone = hash_texts([text])
        is_own = together.word_rows == row
        assert np.array_equal(together.words[is_own], alone.words)
        assert np.array_equal(together.pairs[is_own], alone.pairs)
        is_part = together.word_rows[together.ngram_words] == row
        assert np.array_equal(together.ngrams[is_part], alone.ngrams)


@given(TEXTS)
def test_every_n_gram_belongs_to_a_word_of_the_texts(texts: list[str | None]) -> None:
    hashed = hash_texts(texts)
    assert len(hashed.words) == len(hashed.pairs) == len(hashed.word_rows)
    assert len(hashed.ngrams) == len(hashed.ngram_words)
    assert (np.diff(hashed.word_rows) >= 0).all()
    assert (np.diff(hashed.ngram_words) >= 0).all()
    assert set(hashed.word_rows.tolist()) <= {row for row, text in enumerate(texts) if text}
    assert set(hashed.ngram_words.tolist()) == set(range(len(hashed.words)))  # "<a>" is one, at least


@given(st.text(CHARACTERS, max_size=40))
def test_case_decides_no_word_and_every_n_gram_is_as_written(text: str) -> None:
    simple = "".join(char for char in text if len(char.upper()) == len(char.lower()) == 1)
    lower = simple.lower()
    if lower.casefold() == simple.casefold():
        assert np.array_equal(words_of(simple).words, words_of(lower).words)
    assert np.array_equal(words_of("AB").words, words_of("ab").words)
    assert not np.array_equal(words_of("AB").ngrams, words_of("ab").ngrams)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("don't stop_me 3.5", 5),
        ("  \n\t ... !?", 0),
        ("日本語のテスト", 7),
        ("हिन्दी में", 2),
        ("Ünïcödé naïve", 2),
        ("👍🏽👩", 3),
        ("مرحبا، بالعالم", 2),
        ("می‌خواهم", 1),
        ("x" * 100, 4),
    ],
)
def test_words_of_many_scripts(text: str, count: int) -> None:
    assert len(words_of(text).words) == count


def test_the_order_of_words_decides_their_pairs() -> None:
    first, second = words_of("dog bites man"), words_of("man bites dog")
    assert set(first.words.tolist()) == set(second.words.tolist())
    assert not set(first.pairs.tolist()) & set(second.pairs.tolist())


def test_different_n_grams_hardly_ever_have_one_hash() -> None:
    hashed = words_of(" ".join(f"{number:x}" for number in range(3000)))
    assert len(set(hashed.words.tolist())) == 3000
    counts = np.bincount((hashed.words >> np.uint64(58)).astype(int), minlength=64)  # expected: 47 each
    assert 20 < counts.min() < counts.max() < 80


def test_only_the_beginning_of_a_very_long_text_is_hashed() -> None:
    start = "ab " * (ngrams.MAX_CHARACTERS // 3)
    assert len(words_of(start + "cd " * 1_000_000).words) <= len(words_of(start).words) + 1


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["one two three", None, "", "four", "five six"]
    whole = hash_texts(texts)
    monkeypatch.setattr(ngrams, "_CHUNK_CHARACTERS", 10)
    parts = hash_texts(texts)
    for name in ("words", "pairs", "word_rows", "ngrams", "ngram_words"):
        assert np.array_equal(getattr(parts, name), getattr(whole, name)), name


def test_another_process_has_the_same_hashes() -> None:
    code = "from growlearn.ingest.ngrams import hash_texts; print(hash_texts(['Zoë 🙂']).ngrams.tolist())"
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert result.stdout.strip() == str(words_of("Zoë 🙂").ngrams.tolist())
