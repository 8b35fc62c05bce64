"""Untrained features of a text: tf-idf of its words, pairs of words and character n-grams."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from growlearn.ingest.rows import Column
from growlearn.network.ngram_ids import NUM_NGRAM_IDS, count_ngrams, encode_in_parts, unpack
from growlearn.network.router.tfidf import TfidfFeatures

_MAX_NGRAMS = 2048  # of a text; there are at most 1,024 buckets


class NgramFeatures(TfidfFeatures):
    """Counted n-grams int32 [B, M] -> features float32 [B, buckets]; `fit` is called once."""

    def __init__(self, buckets: int) -> None:
        super().__init__(NUM_NGRAM_IDS, buckets)

    def _counts(self, ids: Tensor) -> Tensor:
        ngram_ids, counts = unpack(ids)
        buckets = ngram_ids % self.size  # ids are hashes already
        return counts.new_zeros(len(ids), self.size).scatter_add_(1, buckets, counts)


def encode_text_ngrams(texts: Column) -> Tensor:
    """Texts object [N] of str or None -> counted n-grams int32 [N, M]."""
    return encode_in_parts(texts, partial(count_ngrams, max_ngrams=_MAX_NGRAMS))
