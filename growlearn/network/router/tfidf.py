"""Untrained features of token ids: tf-idf of a bag of tokens.

tf-idf (Salton and Buckley 1988) over ids, or over hash buckets where the vocabulary is large (Weinberger et
al. 2009, without signs); rows are normalised to length 1, so their number of tokens does not matter.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

_MULTIPLIER = 2654435761  # Knuth's, 2^32 over the golden ratio
_HASH_SPACE = 2**32


class TfidfFeatures(nn.Module):
    """Ids int [B, T], negative for padding -> features float32 [B, buckets]; `fit` is called once."""

    def __init__(self, vocabulary: int, buckets: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.register_buffer("rarity", torch.ones(buckets))
        self.rarity: Tensor

    @property
    def size(self) -> int:
        """The number of features of a row."""
        return len(self.rarity)

    def fit(self, ids: Tensor, _: torch.Generator) -> None:
        """Fit the inverse document frequency of each bucket, log((1 + N) / (1 + rows with it)) + 1."""
        document_frequency = torch.zeros_like(self.rarity)
        for batch in torch.split(ids, 4096):
            document_frequency += (self._counts(batch) > 0).sum(0)
        self.rarity.copy_(torch.log((1 + len(ids)) / (1 + document_frequency)) + 1)

    def forward(self, ids: Tensor) -> Tensor:
        """Each bucket's log(1 + count) times its rarity, normalised to length 1."""
        return F.normalize(torch.log1p(self._counts(ids)) * self.rarity, dim=1)

    def _counts(self, ids: Tensor) -> Tensor:
        wide = ids.long()
        bucket = wide
        if self.vocabulary > self.size:
            bucket = wide * _MULTIPLIER % _HASH_SPACE * self.size // _HASH_SPACE  # at most 2^56: no overflow
        bucket = torch.where(wide < 0, self.size, bucket)  # [B, T]; padding gets a bucket that is dropped
        counts = self.rarity.new_zeros(ids.shape[0], self.size + 1)
        return counts.scatter_add_(1, bucket, self.rarity.new_ones(bucket.shape))[:, :-1]
