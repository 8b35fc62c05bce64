"""Columns of token ids and of text, and what an encoder says of a column, as bags: buckets and how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from growlearn.network.ngram_ids import NUM_NGRAM_IDS, PADDING, is_character_ngram, unpack

_MAX_ID_BUCKETS = 2**14  # a larger vocabulary is hashed
_PAIR_BUCKETS = 2**13
_MULTIPLIER = 2654435761  # Knuth's, 2^32 over the golden ratio
_PAIR_MULTIPLIER = 1000003
_HASH_SPACE = 2**32

Block = tuple[Tensor, Tensor]
"""Buckets int64 [B, S] and how much of each a row has [B, S], before its rarity; 0 for padding."""


class Bag(Protocol):
    """A column whose rows are bags."""

    @property
    def size(self) -> int:
        """The number of buckets."""
        ...

    def blocks(self, encoded: Tensor) -> tuple[Block, ...]:
        """The encoded column of B rows -> its blocks; each counts as much as any other in a row."""
        ...


@dataclass(frozen=True)
class TokenBag:
    """Ids [B, T] below `vocabulary` as sets: every id and every pair of neighbours counts once."""

    vocabulary: int

    @property
    def size(self) -> int:
        """The number of buckets."""
        return self._id_buckets + _PAIR_BUCKETS

    @property
    def _id_buckets(self) -> int:
        return min(self.vocabulary, _MAX_ID_BUCKETS)

    def blocks(self, encoded: Tensor) -> tuple[Block, ...]:
        """One block of ids and pairs, in buckets [B, 2 T - 1]."""
        buckets = torch.cat([self._id_index(encoded), self._pair_index(encoded)], dim=1).sort(1).values
        is_new = torch.ones_like(buckets, dtype=torch.bool)
        is_new[:, 1:] = buckets[:, 1:] != buckets[:, :-1]
        return ((buckets.clamp_min(0), (is_new & (buckets >= 0)).float()),)

    def _id_index(self, ids: Tensor) -> Tensor:
        """Ids [B, T] -> their buckets, -1 for padding."""
        known = ids.clamp_min(0)
        bucket = known if self.vocabulary <= _MAX_ID_BUCKETS else _hash(known, _MAX_ID_BUCKETS)
        return torch.where(ids < 0, -1, bucket)

    def _pair_index(self, ids: Tensor) -> Tensor:
        """Ids [B, T] -> the buckets of neighbours [B, T - 1], -1 where the second is padding."""
        known = ids.clamp_min(0)
        bucket = _hash((known[:, :-1] * _PAIR_MULTIPLIER + known[:, 1:]) % _HASH_SPACE, _PAIR_BUCKETS)
        return torch.where(ids[:, 1:] < 0, -1, bucket + self._id_buckets)


@dataclass(frozen=True)
class TextBag:
    """Encoded texts, of which the first 2 `length` cells are words in their order, the others counts."""

    length: int

    @property
    def size(self) -> int:
        """The number of buckets."""
        return 2 * NUM_NGRAM_IDS

    def blocks(self, encoded: Tensor) -> tuple[Block, ...]:
        """Words with pairs of words, and character n-grams, each 1 + log(count): buckets [B, M] of each."""
        packed = encoded[:, 2 * self.length :]
        longest = int((packed != PADDING).sum(1).max()) if len(packed) else 0
        packed = packed[:, :longest]
        ids, counts = unpack(packed)  # [B, M]
        frequencies = torch.where(counts > 0, 1 + counts.clamp_min(1).log(), 0.0)
        of_characters = is_character_ngram(packed)
        return (
            (ids, frequencies.masked_fill(of_characters, 0.0)),
            (ids + NUM_NGRAM_IDS, frequencies.masked_fill(~of_characters, 0.0)),
        )


@dataclass(frozen=True)
class SummaryBag:
    """Features of an encoder [B, F], whose last `size` are its summary: each is a bucket of its own."""

    size: int

    def blocks(self, encoded: Tensor) -> tuple[Block, ...]:
        """One block, the summary itself: buckets [B, S]."""
        summary = encoded[:, -self.size :].float()
        return ((torch.arange(self.size, device=summary.device).expand(summary.shape[0], -1), summary),)


def _hash(keys: Tensor, buckets: int) -> Tensor:
    return keys * _MULTIPLIER % _HASH_SPACE * buckets // _HASH_SPACE  # below 2^63 for keys below 2^31
