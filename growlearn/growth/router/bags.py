"""Features of token ids that need no training: a bag of tokens.

tf-idf (Salton and Buckley 1988) over ids, or over buckets they are hashed to where there are too many
(Weinberger et al. 2009, without signs); rows are scaled to length 1, so that how long a row is says nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

_MULTIPLIER = 2654435761  # Knuth's, 2^32 over the golden ratio
_SPACE = 2**32


class BagFeatures(nn.Module):
    """Ids int [B, T], negative where there is none -> features float32 [B, buckets]; `fit` is called once."""

    def __init__(self, vocabulary: int, buckets: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.register_buffer("rarity", torch.ones(buckets))
        self.rarity: Tensor

    @property
    def size(self) -> int:
        """How many features a row has."""
        return len(self.rarity)

    def fit(self, ids: Tensor, _: torch.Generator) -> None:
        """Learn how rare each bucket is, log((1 + N) / (1 + rows that have it)) + 1."""
        rows_with = torch.zeros(self.size)
        for batch in torch.split(ids, 4096):
            rows_with += (self._counts(batch) > 0).sum(0)
        self.rarity.copy_(torch.log((1 + len(ids)) / (1 + rows_with)) + 1)

    def forward(self, ids: Tensor) -> Tensor:
        """Each bucket's log(1 + count) times its rarity, the whole of length 1."""
        return F.normalize(torch.log1p(self._counts(ids)) * self.rarity, dim=1)

    def _counts(self, ids: Tensor) -> Tensor:
        wide = ids.long()
        bucket = wide
        if self.vocabulary > self.size:
            bucket = wide * _MULTIPLIER % _SPACE * self.size // _SPACE  # at most 2^24 * 2^32: no overflow
        bucket = torch.where(wide < 0, self.size, bucket)  # [B, T]; padding goes into one that is left out
        counts = torch.zeros(len(ids), self.size + 1)
        return counts.scatter_add_(1, bucket, torch.ones(bucket.shape))[:, :-1]
