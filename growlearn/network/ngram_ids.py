"""Texts -> tensors of n-gram ids with their counts, which the text stem and the router read."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from growlearn.ingest.ngrams import HashedTexts, Hashes, Indices, hash_texts
from growlearn.ingest.rows import Column

_ID_BITS = 18
NUM_NGRAM_IDS = 2**_ID_BITS
"""N-grams are told apart by so many ids; two with one id count as one."""
_MAX_NGRAMS = 8192  # distinct ones of a text; of more, those with the lowest ids: the same in every text
_COUNT_BITS = 6
_MAX_COUNT = 2**_COUNT_BITS - 1
_PADDING = -1


def hash_ngrams(texts: Column) -> HashedTexts:
    """The hashes of N texts, object [N] of str or None."""
    return hash_texts(list(texts))


def to_ids(hashes: Hashes) -> Indices:
    """The ids of hashes: their upper bits, which lie in 0..NUM_NGRAM_IDS - 1."""
    return (hashes >> np.uint64(64 - _ID_BITS)).astype(np.int64)


def count_ngrams(hashed: HashedTexts, num_texts: int) -> Tensor:
    """Each text's distinct words, pairs of words and character n-grams with their counts: int32 [N, M].

    A cell holds an id and a count, which `unpack` tells apart, or padding. M is that of the text with most.
    """
    rows = np.concatenate([hashed.word_rows, hashed.word_rows, hashed.word_rows[hashed.ngram_words]])
    ids = np.concatenate([to_ids(hashed.words), to_ids(hashed.pairs), to_ids(hashed.ngrams)])
    keys, counts = np.unique(rows << _ID_BITS | ids, return_counts=True)  # sorted by row, then by id
    rows, ids = keys >> _ID_BITS, keys % NUM_NGRAM_IDS
    places = np.arange(len(keys)) - np.searchsorted(rows, rows)  # in the row
    is_kept = places < _MAX_NGRAMS
    packed = np.full((num_texts, max(1, places[is_kept].max(initial=0) + 1)), _PADDING, np.int32)
    cells = ids << _COUNT_BITS | np.minimum(counts, _MAX_COUNT)
    packed[rows[is_kept], places[is_kept]] = cells[is_kept]
    return torch.from_numpy(packed)


def unpack(packed: Tensor) -> tuple[Tensor, Tensor]:
    """Ids int64 [B, M], 0 for padding, and counts float32 [B, M], 0 for padding."""
    is_ngram = packed != _PADDING
    ids = torch.where(is_ngram, packed >> _COUNT_BITS, 0).long()
    return ids, torch.where(is_ngram, packed & _MAX_COUNT, 0).float()


def count_texts_with_ngram(packed: Tensor) -> Tensor:
    """In how many of N texts each n-gram occurs: int64 [NUM_NGRAM_IDS]."""
    return torch.bincount((packed[packed != _PADDING] >> _COUNT_BITS).long(), minlength=NUM_NGRAM_IDS)
