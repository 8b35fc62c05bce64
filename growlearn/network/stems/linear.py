"""The linear term of a stem: class scores of the bags of its token and text columns.

tf-idf (Salton and Buckley 1988) over token ids and their pairs, or over words, pairs of words and character
n-grams, in hash buckets (Weinberger et al. 2009; Joulin et al. 2017, "Bag of tricks for efficient text
classification"), and one fitted linear map. On few rows it is hard to beat: what a branch with its own stem
answers starts with it (docs/adr/0023).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.network.stems.bags import Bag
from growlearn.network.stems.columns import EncodedInputs


class LinearTerm(nn.Module):
    """Encoded token and text columns of B rows -> class scores [B, C].

    What a row has counts by its rarity. Every block of a row has the same length, and the row length 1; what
    no row had that the rarity was fitted to counts nothing. `bags` are those of the encoded columns.
    """

    def __init__(self, bags: Mapping[str, Bag], num_classes: int) -> None:
        super().__init__()
        self.bags = dict(bags)
        size = sum(bag.size for bag in self.bags.values())
        self.register_buffer("rarity", torch.ones(size))
        self.register_buffer("weight", torch.zeros(size, num_classes))
        self.register_buffer("bias", torch.zeros(num_classes))
        self.rarity: Tensor
        self.weight: Tensor
        self.bias: Tensor

    def count_rows(self, inputs: EncodedInputs) -> Tensor:
        """In how many of B rows each bucket occurs: int64 [P]."""
        found = [buckets[frequencies != 0] for buckets, frequencies in self._blocks(inputs)]
        return torch.bincount(torch.cat(found), minlength=len(self.rarity))

    def fit_rarity(self, rows_with: Tensor, num_rows: int) -> None:
        """Set each bucket's inverse document frequency, log((1 + N) / (1 + rows with it)) + 1, 0 for none."""
        rarity = torch.log((1 + num_rows) / (1 + rows_with)) + 1
        self.rarity.copy_(torch.where(rows_with > 0, rarity, 0.0))

    def bag(self, inputs: EncodedInputs) -> tuple[Tensor, Tensor]:
        """Encoded inputs of B rows -> buckets int64 [B, S] and their values [B, S], of length 1 a row."""
        blocks = self._blocks(inputs)
        values = [F.normalize(self.rarity[buckets] * frequencies, dim=1) for buckets, frequencies in blocks]
        return torch.cat([buckets for buckets, _ in blocks], 1), F.normalize(torch.cat(values, 1), dim=1)

    def forward(self, inputs: EncodedInputs) -> Tensor:
        """Encoded inputs of B rows -> class scores [B, C]."""
        buckets, values = self.bag(inputs)
        return F.embedding_bag(buckets, self.weight, per_sample_weights=values, mode="sum") + self.bias

    def _blocks(self, inputs: EncodedInputs) -> list[tuple[Tensor, Tensor]]:
        """The blocks of all columns; each column has buckets of its own."""
        blocks, start = [], 0
        for name, bag in self.bags.items():
            blocks += [(buckets + start, values) for buckets, values in bag.blocks(inputs[name])]
            start += bag.size
        return blocks
