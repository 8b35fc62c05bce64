"""The text stem: embeddings of hashed n-grams, one token for the whole text, and more for words.

Sources: Bojanowski et al., "Enriching Word Vectors with Subword Information" (TACL 2017); Joulin et al., "Bag
of Tricks for Efficient Text Classification" (EACL 2017); signed buckets, Weinberger et al., "Feature Hashing
for Large Scale Multitask Learning" (ICML 2009). Why these numbers: docs/adr/0022.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import InputColumn, InputType
from growlearn.ingest.ngrams import HashedTexts
from growlearn.ingest.rows import Column
from growlearn.network.ngram_ids import (
    NUM_NGRAM_IDS,
    PADDING,
    count_ngrams,
    count_texts_with_ngram,
    encode_in_parts,
    to_ids,
    unpack,
)
from growlearn.network.stems.columns import ColumnList, InitSource

_NUM_BUCKETS = 2**15  # rows of the embedding; more n-grams than that share one, with a random sign
_INIT_STD = 0.05  # of an embedding
_NGRAM_DROPOUT = 0.6  # fraction of the n-grams that a training step leaves out of the whole
_WORD_DROPOUT = 0.4  # fraction of the words that a training step reads as padding
_POSITION_STD = 1.0  # large beside the text's part, whose size tells how much is known of it


class TextTokens(nn.Module):
    """One column of text: a token of the whole text, and one for each of its first `length` words.

    The whole is the sum of the embeddings of its words, pairs of words and character n-grams, weighted by
    tf-idf as (1 + log count) times log((1 + N) / (1 + texts with it)) + 1, with weights of length 1; n-grams
    that no text of the first window has weigh nothing. A word's token is the mean of the embeddings of the
    word and of its pair with the word before. Each token has a learned position; a position after the last
    word holds it alone. A text without any n-gram, as a missing one, has a learned offset that starts at 0.
    """

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.length = length
        self.embedding = nn.Embedding(_NUM_BUCKETS, width)
        nn.init.normal_(self.embedding.weight, std=_INIT_STD)
        self.position = nn.Parameter(torch.randn(1 + length, width) * _POSITION_STD)
        self.missing = nn.Parameter(torch.zeros(width))
        self.register_buffer("rarity", torch.zeros(NUM_NGRAM_IDS))
        self.rarity: Tensor

    def encode(self, texts: Column) -> Tensor:
        """Texts [N] of str or None -> int32 [N, 2 length + M], words and pairs, then counted n-grams."""
        return encode_in_parts(texts, self._encode_hashed)

    def _encode_hashed(self, hashed: HashedTexts, num_texts: int) -> Tensor:
        words = torch.from_numpy(_place_words(hashed, num_texts, self.length)).flatten(1)
        return torch.cat([words, count_ngrams(hashed, num_texts)], dim=1)

    def fit(self, encoded: Tensor) -> None:
        """Fit the inverse document frequency of each n-gram; 0 for those that do not occur."""
        num_texts = count_texts_with_ngram(encoded[:, 2 * self.length :])
        rarity = torch.log((1 + len(encoded)) / (1 + num_texts)) + 1
        self.rarity.copy_(torch.where(num_texts > 0, rarity, 0.0))

    def forward(self, encoded: Tensor) -> Tensor:
        """Int32 [B, 2 length + M] -> tokens [B, 1 + length, D]."""
        words, packed = encoded[:, : 2 * self.length], encoded[:, 2 * self.length :]
        return torch.cat([self._embed_whole(packed), self._embed_words(words)], dim=1) + self.position

    def _embed_whole(self, packed: Tensor) -> Tensor:
        buckets, weights = self._weigh(packed)
        # A dense product, because a gradient of the embedding is dense anyway.
        bags = weights.new_zeros(len(packed), _NUM_BUCKETS).scatter_add_(1, buckets, weights)
        is_empty = (packed == PADDING).all(1, keepdim=True)  # [B, 1]
        return (bags @ self.embedding.weight + is_empty * self.missing)[:, None]  # [B, 1, D]

    def _weigh(self, packed: Tensor) -> tuple[Tensor, Tensor]:
        """Rows of the embedding and signed weights of the n-grams of B texts: [B, M] each."""
        longest = int((packed != PADDING).sum(1).max()) if len(packed) else 0
        ids, counts = unpack(packed[:, :longest])
        weights = torch.where(counts > 0, (1 + counts.clamp_min(1).log()) * self.rarity[ids], 0.0)
        if self.training:
            weights = weights.masked_fill(
                torch.rand(weights.shape, device=weights.device) < _NGRAM_DROPOUT, 0.0
            )
        return ids % _NUM_BUCKETS, F.normalize(weights, dim=1) * _signs(ids)

    def _embed_words(self, words: Tensor) -> Tensor:
        ids = words.reshape(len(words) * self.length, 2)
        is_kept = ids != PADDING
        if self.training:
            is_kept = is_kept & (torch.rand(len(ids), 1, device=ids.device) >= _WORD_DROPOUT)
        ids = torch.where(is_kept, ids, 0).long()
        weights = torch.where(is_kept, self.rarity[ids] * _signs(ids) / 2, 0.0)
        tokens = F.embedding_bag(
            ids % _NUM_BUCKETS, self.embedding.weight, per_sample_weights=weights, mode="sum"
        )
        return tokens.view(len(words), self.length, self.embedding.embedding_dim)


def _signs(ids: Tensor) -> Tensor:
    """1.0 or -1.0 for each id, by its highest bit: n-grams of one bucket cancel out on average."""
    return torch.where(ids < NUM_NGRAM_IDS // 2, 1.0, -1.0)


def _place_words(hashed: HashedTexts, num_texts: int, length: int) -> Column:
    """Ids of the first `length` words of each text and of their pairs: int32 [N, length, 2]."""
    words = np.full((num_texts, length, 2), PADDING, np.int32)
    places = np.arange(len(hashed.words)) - np.searchsorted(hashed.word_rows, hashed.word_rows)
    is_kept = places < length
    rows, places = hashed.word_rows[is_kept], places[is_kept]
    words[rows, places, 0] = to_ids(hashed.words[is_kept])
    words[rows, places, 1] = to_ids(hashed.pairs[is_kept])
    return words


def make_text_columns(columns: Mapping[str, InputColumn], config: ModelConfig, _: InitSource) -> ColumnList:
    """The text columns of a schema."""
    return ColumnList(
        InputType.TEXT,
        {name: TextTokens(column.length or 0, config.embed_dim) for name, column in columns.items()},
    )
