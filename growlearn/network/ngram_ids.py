"""Texts -> tensors of n-gram ids with their counts, which the text stem and the router read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.ingest.ngrams import HashedTexts, Hashes, Indices, hash_texts
from growlearn.ingest.rows import Column

_ID_BITS = 18
NUM_NGRAM_IDS = 1 << _ID_BITS
"""N-grams are told apart by so many ids; two of one kind with one id count as one."""
MAX_NGRAMS = 8192
"""Distinct n-grams of a text that count; of more, those with the lowest ids: the same in every text."""
_TEXTS_AT_ONCE = 256
_COUNT_BITS = 6
_MAX_COUNT = 2**_COUNT_BITS - 1
_CHARACTERS = 1 << (_ID_BITS + _COUNT_BITS)  # set in a cell of a character n-gram
PADDING = -1
"""Fills a row of n-grams up to the width of the longest."""


def encode_in_parts(texts: Column, encode: Callable[[HashedTexts, int], Tensor]) -> Tensor:
    """Encode N texts, object [N] of str or None, some at a time, to bound memory: int32 [N, M].

    `encode` gets hashed texts and their number; narrower parts are padded at their end.
    """
    starts = range(0, max(len(texts), 1), _TEXTS_AT_ONCE)
    parts = [texts[start : start + _TEXTS_AT_ONCE] for start in starts]
    encoded = [encode(hash_texts(list(part)), len(part)) for part in parts]
    width = max(part.shape[1] for part in encoded)
    return torch.cat([F.pad(part, (0, width - part.shape[1]), value=PADDING) for part in encoded])


def to_ids(hashes: Hashes) -> Indices:
    """The ids of hashes: their upper bits, which lie in 0..NUM_NGRAM_IDS - 1."""
    return (hashes >> np.uint64(64 - _ID_BITS)).astype(np.int64)


def count_ngrams(hashed: HashedTexts, num_texts: int, max_ngrams: int = MAX_NGRAMS) -> Tensor:
    """Each text's distinct words, pairs of words and character n-grams with their counts: int32 [N, M].

    A cell holds an id, a count and whether it is a character n-gram, which `unpack` and
    `is_character_ngram` tell apart, or PADDING. M is that of the text with most, at most `max_ngrams`.
    """
    rows = np.concatenate([hashed.word_rows, hashed.word_rows, hashed.word_rows[hashed.ngram_words]])
    ids = np.concatenate([to_ids(hashed.words), to_ids(hashed.pairs), to_ids(hashed.ngrams)])
    of_characters = np.repeat([0, 1], [2 * len(hashed.words), len(hashed.ngrams)])
    keys = (rows << _ID_BITS | ids) << 1 | of_characters
    keys, counts = np.unique(keys, return_counts=True)  # sorted by row, then by id
    keys, of_characters = keys >> 1, keys & 1
    rows, ids = keys >> _ID_BITS, keys % NUM_NGRAM_IDS
    places = np.arange(len(keys)) - np.searchsorted(rows, rows)  # in the row
    is_kept = places < max_ngrams
    packed = np.full((num_texts, max(1, places[is_kept].max(initial=0) + 1)), PADDING, np.int32)
    cells = of_characters * _CHARACTERS | ids << _COUNT_BITS | np.minimum(counts, _MAX_COUNT)
    packed[rows[is_kept], places[is_kept]] = cells[is_kept]
    return torch.from_numpy(packed)


def unpack(packed: Tensor) -> tuple[Tensor, Tensor]:
    """Ids int64 [B, M], 0 for padding, and counts float32 [B, M], 0 for padding."""
    is_ngram = packed != PADDING
    ids = torch.where(is_ngram, packed >> _COUNT_BITS & NUM_NGRAM_IDS - 1, 0).long()
    return ids, torch.where(is_ngram, packed & _MAX_COUNT, 0).float()


def is_character_ngram(packed: Tensor) -> Tensor:
    """Which cells hold a character n-gram, rather than a word, a pair of words or padding: bool [B, M]."""
    return (packed != PADDING) & (packed & _CHARACTERS != 0)


def count_texts_with_ngram(packed: Tensor) -> Tensor:
    """In how many of N texts each n-gram occurs: int64 [NUM_NGRAM_IDS]."""
    ids, counts = unpack(packed)
    return torch.bincount(ids[counts > 0], minlength=NUM_NGRAM_IDS)
