"""A stem, parallel branches, and a head over the first p of them: one interface for every form.

A form's logits come from a sum over branches; forms differ in what is summed and in the head:

- `residual`, this project's: g_0 pool(z) + sum_i g_i pool(R_i(z)), one head (docs/adr/0001).
- `whole`, as in the released code of ParaFormer (Wang, Wei and Li 2025, arXiv 2510.15425): whole branches,
  sum_i pool(branch_i(z)), one head. The first p branches contain z p times, so one more branch
  changes all logits.
  One branch of depth d is a plain ViT of that depth (Dosovitskiy et al. 2021).
- `own heads`: pool(z) + sum_i pool(R_i(z)), a head of its own for each prefix, as deep supervision
  (Lee et al. 2015) and greedy training (Belilovsky et al. 2019) need.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import torch
from torch import Tensor, nn

from growlearn.domain.model_config import ModelConfig
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.head import Head
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.stems.stem import Stem


class SharedGatedHead(nn.Module):
    """One head for every prefix, with a gate for each branch: what growlearn does."""

    def __init__(self, branches: int, width: int, classes: int) -> None:
        super().__init__()
        self.head = Head(1 + branches, width, classes)

    def freeze_before(self, branch: int) -> None:
        """The shared head stays trainable."""

    def forward(self, features: Tensor, first: int) -> Tensor:
        """Features [B, 1 + p, D] -> logits [p - first + 1, B, C] of prefixes first .. p."""
        gated = (features * self.head.gates[: features.shape[1]]).unbind(1)  # each [B, D]
        return self.head.classify(_partial_sums(gated, first))


class WholeBranchesHead(nn.Module):
    """One head for every prefix, over the sum of whole branches: branch_i(z) = z + R_i(z)."""

    def __init__(self, _branches: int, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, classes)

    def freeze_before(self, branch: int) -> None:
        """The shared head stays trainable."""

    def forward(self, features: Tensor, first: int) -> Tensor:
        """Features [B, 1 + p, D] -> logits [p - first + 1, B, C] of prefixes first .. p."""
        z, residuals = features[:, :1], features[:, 1:]
        whole = (z + residuals).unbind(1)  # each [B, D]
        logits: Tensor = self.linear(self.norm(_partial_sums(whole, first - 1)))
        return logits


class PerPrefixHeads(nn.Module):
    """A head of its own for each prefix."""

    def __init__(self, branches: int, width: int, classes: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(branches))
        self.linears = nn.ModuleList(nn.Linear(width, classes) for _ in range(branches))

    def freeze_before(self, branch: int) -> None:
        """Freeze earlier heads; this one starts as a copy of the previous one, and so at its loss."""
        for heads in (self.norms, self.linears):
            heads[:branch].requires_grad_(False)
            if branch:
                heads[branch].load_state_dict(heads[branch - 1].state_dict())

    def forward(self, features: Tensor, first: int) -> Tensor:
        """Features [B, 1 + p, D] -> logits [p - first + 1, B, C] of prefixes first .. p."""
        sums = _partial_sums(features.unbind(1), first)
        return torch.stack(
            [
                self.linears[first - 1 + index](self.norms[first - 1 + index](phi))
                for index, phi in enumerate(sums)
            ]
        )


def _partial_sums(parts: tuple[Tensor, ...], first: int) -> Tensor:
    """Partial sums of parts [B, D], from the one that ends in part `first` on: [n, B, D]."""
    return torch.stack(list(accumulate(parts, torch.add))[first:])


FORMS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "residual": SharedGatedHead,
    "whole": WholeBranchesHead,
    "own heads": PerPrefixHeads,
}
"""Heads by the name of their form, made from (branches, width, classes)."""


class Approximation(nn.Module):
    """A stem, K branches that all read it, and the head of a form."""

    def __init__(self, form: str, config: ModelConfig, stem: Stem, branches: int, classes: int) -> None:
        super().__init__()
        self.stem = stem
        self.branches = nn.ModuleList(ResidualBranch(config) for _ in range(branches))
        self.head = FORMS[form](branches, config.embed_dim, classes)

    def zero_init_output(self) -> None:
        """Make every branch add exactly zero."""
        for branch in self.branches:
            assert isinstance(branch, ResidualBranch)
            branch.zero_init_output()

    def freeze_before(self, branch: int) -> None:
        """Freeze the stem and the branches before this one (counted from 0)."""
        if branch:
            self.stem.requires_grad_(False)
        for earlier in self.branches[:branch]:
            earlier.requires_grad_(False)
        self.head.freeze_before(branch)  # type: ignore[operator]

    def prefix_logits(self, inputs: EncodedInputs, first: int = 1, last: int | None = None) -> Tensor:
        """Encoded rows -> logits [last - first + 1, B, C] of the prefixes of first .. last branches.

        Branches after `last` (by default the whole) are not run.
        """
        z = self.stem(inputs)  # [B, T, D]
        residuals = [branch(z).mean(1) for branch in self.branches[:last]]  # each [B, D]
        features = torch.stack([z.mean(1), *residuals], dim=1)  # [B, 1 + p, D]
        logits: Tensor = self.head(features, first)
        return logits
