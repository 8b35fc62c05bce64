"""Numbers that describe a text, one a row, so that columns of text can be compared."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from growlearn.ingest.ngrams import MAX_CHARACTERS, HashedTexts, hash_texts, make_case_folding
from growlearn.ingest.rows import Column

TextStatistic = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]

_NUM_ASCII = 128
_CHARACTER_CLASSES = ("digits", "capital letters", "characters outside ASCII")


def iter_text_statistics(
    reference: Column, query: Column
) -> Iterator[tuple[str, TextStatistic, TextStatistic]]:
    """Name, values [N_ref] and values [N] of each statistic; texts object [N_ref], [N] of str, none missing.

    The length in characters; the shares of digits, of capital letters and of characters outside ASCII; and
    the share of a text's words that no other row of the reference has.
    """
    yield "length", _lengths(reference), _lengths(query)
    reference_shares, query_shares = _character_shares(reference), _character_shares(query)
    for index, name in enumerate(_CHARACTER_CLASSES):
        yield name, reference_shares[:, index], query_shares[:, index]
    yield "unknown words", *unknown_word_shares(reference, query)


def unknown_word_shares(reference: Column, query: Column) -> tuple[TextStatistic, TextStatistic]:
    """The share of each text's words that occur in no other text of the reference: [N_ref], [N].

    A text of the reference is not compared with itself, so that without drift both sides are alike. A text
    without words has no unknown one.
    """
    reference_texts, query_texts = (
        hash_texts(list(texts), with_ngrams=False) for texts in (reference, query)
    )
    known, num_texts = _count_texts_with_word(reference_texts)
    is_only_here = num_texts[np.searchsorted(known, reference_texts.words)] == 1
    is_unknown = ~np.isin(query_texts.words, known)
    return (
        _share_of_words(is_only_here, reference_texts, len(reference)),
        _share_of_words(is_unknown, query_texts, len(query)),
    )


def _count_texts_with_word(texts: HashedTexts) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """The distinct words [V], sorted, and in how many texts each occurs [V]."""
    order = np.lexsort((texts.word_rows, texts.words))
    words, rows = texts.words[order], texts.word_rows[order]
    is_first = np.ones(len(words), dtype=bool)  # of its word in its text
    is_first[1:] = (words[1:] != words[:-1]) | (rows[1:] != rows[:-1])
    return np.unique(words[is_first], return_counts=True)


def _share_of_words(is_chosen: npt.NDArray[np.bool_], texts: HashedTexts, num_rows: int) -> TextStatistic:
    num_words = np.bincount(texts.word_rows, minlength=num_rows)
    num_chosen = np.bincount(texts.word_rows, weights=is_chosen, minlength=num_rows)
    return np.asarray(num_chosen / np.maximum(num_words, 1))


def _lengths(texts: Column) -> TextStatistic:
    return np.array([len(text) for text in texts], dtype=np.float64)


def _character_shares(texts: Column) -> TextStatistic:
    """The share of each of _CHARACTER_CLASSES among the first characters of a text: [N, 3]."""
    folding = make_case_folding()
    shares = np.zeros((len(texts), len(_CHARACTER_CLASSES)))
    for row, text in enumerate(texts):
        codes = np.frombuffer(text[:MAX_CHARACTERS].encode("utf-32-le"), "<u4")
        letters = codes[codes < len(folding)]
        shares[row] = (
            ((codes >= ord("0")) & (codes <= ord("9"))).sum(),
            (folding[letters] != letters).sum(),
            (codes >= _NUM_ASCII).sum(),
        )
        shares[row] /= max(len(codes), 1)
    return shares
