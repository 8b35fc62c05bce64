"""One head: learned gates over the features of a lineage, a norm, and a linear map to logits."""

from __future__ import annotations

import copy
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation


class Head(nn.Module):
    """W LayerNorm(sum_i g_i * f_i) + b over the features f of a lineage (lineage_features.py).

    On one stem these are f = [pool(z), pool(R_1), ..., pool(R_k)]. Gates g are [F, D], one for each channel
    of each of F features, initially 1. `normed` is False for the head of a linear term, W (g_0 * f_0) + b.
    """

    def __init__(self, num_features: int, width: int, num_classes: int, *, normed: bool = True) -> None:
        super().__init__()
        self.gates = nn.Parameter(torch.ones(num_features, width))
        self.norm = nn.LayerNorm(width) if normed else nn.Identity()
        self.linear = nn.Linear(width, num_classes)

    @property
    def normed(self) -> bool:
        """Whether the sum of features is normed."""
        return isinstance(self.norm, nn.LayerNorm)

    def classify(self, phi: Tensor, dropout: float = 0.0) -> Tensor:
        """Gated feature phi [..., D] -> logits [..., C]; in training with dropout of the normed feature."""
        logits: Tensor = self.linear(F.dropout(self.norm(phi), dropout))
        return logits

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, F, D] -> logits [B, C]."""
        return self.classify(self._partial_sums(features)[-1])

    def prefix_logits(self, features: Tensor, num_prefixes: int, dropout: float = 0.0) -> Tensor:
        """Logits of the last prefixes: features [B, F, D] -> [num_prefixes, B, C].

        Prefix p uses f_0 .. f_p; num_prefixes = 1 computes the whole lineage only.
        """
        return self.classify(torch.stack(self._partial_sums(features)[-num_prefixes:]), dropout)

    def shorten(self, num_features: int) -> Head:
        """A copy that reads the first features only."""
        shorter = copy.deepcopy(self)
        shorter.gates = nn.Parameter(self.gates.detach()[:num_features].clone())
        return shorter

    def _partial_sums(self, features: Tensor) -> list[Tensor]:
        """Partial sums of the gated features, each [B, D].

        Added one after the other, so a branch that adds zero changes no bit.
        """
        gated = (features * self.gates).unbind(1)
        return list(accumulate(gated, torch.add))
