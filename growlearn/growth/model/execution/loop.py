"""One branch after the other: the plan that everything which is measured, gated or proven uses.

Large batches go through a branch in runs of rows small enough for its activations to stay in the
processor's cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.growth.model.branch import Branch
from growlearn.growth.model.execution.parts import Parts

_RUN_CELLS = 65_536  # tokens x width of one run: its MLP holds 1 MiB


@dataclass(frozen=True, eq=False)
class Loop:
    """Branches in lineage order."""

    parts: Parts

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens z [B, T, D] by stem -> pool(R_i(z)) [B, D] along the lineage."""
        return [_pooled(self.parts.branch(name), tokens[self.parts.stem_of[name]]) for name in lineage]


def _pooled(branch: Branch, z: Tensor) -> Tensor:
    """Tokens z [B, T, D] -> pool(R(z)) [B, D]."""
    rows = max(1, _RUN_CELLS // (z.shape[1] * z.shape[2]))
    return torch.cat([branch.pooled(run) for run in torch.split(z, rows)])
