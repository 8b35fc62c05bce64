"""The linear term of a stem: class scores of a bag of token ids and of pairs of neighbouring ids.

tf-idf (Salton and Buckley 1988) over ids and, in hash buckets, over pairs (Weinberger et al. 2009; Joulin et
al. 2017, "Bag of tricks for efficient text classification"), and one fitted linear map. On short texts of few
rows it is hard to beat; a lineage's answer starts with it, and the first branch is added (docs/adr/0023).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.network.stems.columns import EncodedInputs

_MAX_ID_BUCKETS = 2**14  # a larger vocabulary is hashed
_PAIR_BUCKETS = 2**13
_MULTIPLIER = 2654435761  # Knuth's, 2^32 over the golden ratio
_PAIR_MULTIPLIER = 1000003
_HASH_SPACE = 2**32


class LinearTerm(nn.Module):
    """Ids [B, T] of each token column -> class scores [B, C].

    A row is a set: every id and every pair counts once, by its rarity, and the row has length 1.
    `vocabularies` holds the number of ids of each encoded column.
    """

    def __init__(self, vocabularies: Mapping[str, int], num_classes: int) -> None:
        super().__init__()
        self.vocabularies = dict(vocabularies)
        size = sum(_id_buckets(vocabulary) + _PAIR_BUCKETS for vocabulary in self.vocabularies.values())
        self.register_buffer("rarity", torch.ones(size))
        self.register_buffer("weight", torch.zeros(size, num_classes))
        self.register_buffer("bias", torch.zeros(num_classes))
        self.rarity: Tensor
        self.weight: Tensor
        self.bias: Tensor

    def fit_rarity(self, inputs: EncodedInputs) -> None:
        """Fit the inverse document frequency of each bucket, log((1 + N) / (1 + rows with it)) + 1."""
        buckets, is_first = self._buckets(inputs)
        rows_with = torch.bincount(buckets[is_first], minlength=len(self.rarity))
        self.rarity.copy_(torch.log((1 + len(buckets)) / (1 + rows_with)) + 1)

    def bag(self, inputs: EncodedInputs) -> tuple[Tensor, Tensor]:
        """Encoded inputs of B rows -> buckets int64 [B, S] and their values [B, S], of length 1 a row."""
        buckets, is_first = self._buckets(inputs)
        return buckets, F.normalize(self.rarity[buckets] * is_first, dim=1)

    def forward(self, inputs: EncodedInputs) -> Tensor:
        """Encoded inputs of B rows -> class scores [B, C]."""
        buckets, values = self.bag(inputs)
        return F.embedding_bag(buckets, self.weight, per_sample_weights=values, mode="sum") + self.bias

    def _buckets(self, inputs: EncodedInputs) -> tuple[Tensor, Tensor]:
        """Sorted buckets [B, S], and which are the first of equals; padding has bucket 0 and is none."""
        parts, start = [], 0
        for name, vocabulary in self.vocabularies.items():
            ids = inputs[name]
            parts += [_id_index(ids, vocabulary, start), _pair_index(ids, start + _id_buckets(vocabulary))]
            start += _id_buckets(vocabulary) + _PAIR_BUCKETS
        buckets = torch.cat(parts, dim=1).sort(1).values  # [B, S]
        is_new = torch.ones_like(buckets, dtype=torch.bool)
        is_new[:, 1:] = buckets[:, 1:] != buckets[:, :-1]
        return buckets.clamp_min(0), is_new & (buckets >= 0)


def _id_buckets(vocabulary: int) -> int:
    return min(vocabulary, _MAX_ID_BUCKETS)


def _id_index(ids: Tensor, vocabulary: int, start: int) -> Tensor:
    """Ids [B, T] -> their buckets from `start` on, -1 for padding."""
    known = ids.clamp_min(0)
    bucket = known if vocabulary <= _MAX_ID_BUCKETS else _hash(known, _MAX_ID_BUCKETS)
    return torch.where(ids < 0, -1, bucket + start)


def _pair_index(ids: Tensor, start: int) -> Tensor:
    """Ids [B, T] -> the buckets of neighbours [B, T - 1], -1 where the second is padding."""
    known = ids.clamp_min(0)
    bucket = _hash((known[:, :-1] * _PAIR_MULTIPLIER + known[:, 1:]) % _HASH_SPACE, _PAIR_BUCKETS)
    return torch.where(ids[:, 1:] < 0, -1, bucket + start)


def _hash(keys: Tensor, buckets: int) -> Tensor:
    return keys * _MULTIPLIER % _HASH_SPACE * buckets // _HASH_SPACE  # below 2^63 for keys below 2^31
