"""A stem, parallel branches and a reading of the first p of them: one interface for every form.

What a form says of a row is a sum over branches; forms differ in what is summed and which head reads it:

- `residual`, this project's: g_0 pool(z) + sum_i g_i pool(R_i(z)), one head (docs/adr/0001).
- `whole`, as in the released code of ParaFormer (Wang, Wei and Li 2025, arXiv 2510.15425): whole branches,
  sum_i pool(branch_i(z)), one head. The first p branches hold z p times, so one more changes every answer.
  One branch of depth d is a plain ViT of that depth (Dosovitskiy et al. 2021).
- `own heads`: pool(z) + sum_i pool(R_i(z)), a head of its own for each prefix, as deep supervision
  (Lee et al. 2015) and greedy training (Belilovsky et al. 2019) ask for.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import torch
from torch import Tensor, nn

from growlearn.domain.job import ModelSpec
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.head import Head
from growlearn.growth.stems.columns import Inputs
from growlearn.growth.stems.stem import Stem


class OneGatedHead(nn.Module):
    """Every prefix through one head, each branch through its gate: what the product does."""

    def __init__(self, branches: int, width: int, classes: int) -> None:
        super().__init__()
        self.head = Head(branches, width, classes)

    def begin(self, branch: int) -> None:
        """The one head goes on learning."""

    def forward(self, features: Tensor, first: int) -> Tensor:
        """Features [B, 1 + p, D] -> logits [p - first + 1, B, C] of prefixes first .. p."""
        gated = (features * self.head.gates[: features.shape[1]]).unbind(1)  # each [B, D]
        return self.head.answer(_partial_sums(gated, first))


class WholeBranchesHead(nn.Module):
    """Every prefix through one head over the sum of whole branches: branch_i(z) = z + R_i(z)."""

    def __init__(self, _branches: int, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, classes)

    def begin(self, branch: int) -> None:
        """The one head goes on learning."""

    def forward(self, features: Tensor, first: int) -> Tensor:
        """Features [B, 1 + p, D] -> logits [p - first + 1, B, C] of prefixes first .. p."""
        z, residuals = features[:, :1], features[:, 1:]
        whole = (z + residuals).unbind(1)  # each [B, D]
        logits: Tensor = self.linear(self.norm(_partial_sums(whole, first - 1)))
        return logits


class OwnHeads(nn.Module):
    """A head of its own for each prefix."""

    def __init__(self, branches: int, width: int, classes: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(branches))
        self.linears = nn.ModuleList(nn.Linear(width, classes) for _ in range(branches))

    def begin(self, branch: int) -> None:
        """Freeze earlier heads; this one starts as the one before it, and so at its loss."""
        for heads in (self.norms, self.linears):
            heads[:branch].requires_grad_(False)
            if branch:
                heads[branch].load_state_dict(heads[branch - 1].state_dict())

    def forward(self, features: Tensor, first: int) -> Tensor:
        """Features [B, 1 + p, D] -> logits [p - first + 1, B, C] of prefixes first .. p."""
        sums = _partial_sums(features.unbind(1), first)
        return torch.stack(
            [self.linears[first - 1 + at](self.norms[first - 1 + at](phi)) for at, phi in enumerate(sums)]
        )


def _partial_sums(parts: tuple[Tensor, ...], first: int) -> Tensor:
    """Parts [B, D] added up one after the other, from the sum that ends in part `first` on: [n, B, D]."""
    return torch.stack(list(accumulate(parts, torch.add))[first:])


FORMS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "residual": OneGatedHead,
    "whole": WholeBranchesHead,
    "own heads": OwnHeads,
}
"""What reads the branches, by name: from (branches, width, classes)."""


class Approximation(nn.Module):
    """A stem, K branches that all read it, and a form's reading of them."""

    def __init__(self, form: str, spec: ModelSpec, stem: Stem, branches: int, classes: int) -> None:
        super().__init__()
        self.stem = stem
        self.branches = nn.ModuleList(Branch(spec) for _ in range(branches))
        self.reading = FORMS[form](branches, spec.width, classes)

    def born_zero(self) -> None:
        """Make every branch add exactly nothing."""
        for branch in self.branches:
            assert isinstance(branch, Branch)
            branch.born_zero()

    def begin(self, branch: int) -> None:
        """From now on this branch (from 0) learns and those before it, with the stem, are frozen."""
        if branch:
            self.stem.requires_grad_(False)
        for earlier in self.branches[:branch]:
            earlier.requires_grad_(False)
        self.reading.begin(branch)  # type: ignore[operator]

    def prefix_logits(self, inputs: Inputs, first: int = 1, last: int | None = None) -> Tensor:
        """Encoded rows -> logits [last - first + 1, B, C] of the prefixes of first .. last branches.

        Branches after `last` (by default the whole) are not run.
        """
        z = self.stem(inputs)  # [B, T, D]
        residuals = [branch(z).mean(1) for branch in self.branches[:last]]  # each [B, D]
        features = torch.stack([z.mean(1), *residuals], dim=1)  # [B, 1 + p, D]
        logits: Tensor = self.reading(features, first)
        return logits
