"""A task's head: learned gates over its lineage, a norm, and a linear answer."""

from __future__ import annotations

import copy
from itertools import accumulate

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """W LayerNorm(sum_i g_i * f_i) + b over f = [pool(z), pool(R_1), ..., pool(R_k)].

    Gates g are [1 + k, D], one for each channel of each branch, born at 1.
    """

    def __init__(self, branches: int, width: int, classes: int) -> None:
        super().__init__()
        self.gates = nn.Parameter(torch.ones(1 + branches, width))
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, classes)

    def answer(self, phi: Tensor) -> Tensor:
        """Gated feature phi [..., D] -> logits [..., C]."""
        logits: Tensor = self.linear(self.norm(phi))
        return logits

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, 1 + k, D] -> logits [B, C]."""
        return self.answer(self._partial_sums(features)[-1])

    def prefixes(self, features: Tensor, last: int) -> Tensor:
        """Answers of the last prefixes: features [B, 1 + k, D] -> logits [last, B, C].

        Prefix p uses f_0 .. f_p; for last = 1 only the whole is answered.
        """
        return self.answer(torch.stack(self._partial_sums(features)[-last:]))

    def without_last(self, branches: int) -> Head:
        """A copy that does not look at the last few branches."""
        shorter = copy.deepcopy(self)
        shorter.gates = nn.Parameter(self.gates.detach()[: len(self.gates) - branches].clone())
        return shorter

    def _partial_sums(self, features: Tensor) -> list[Tensor]:
        """Gated features added up branch by branch, each [B, D].

        One after the other, so that a branch which adds zero leaves every bit as it was.
        """
        gated = (features * self.gates).unbind(1)
        return list(accumulate(gated, torch.add))
