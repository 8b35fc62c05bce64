"""What the frozen part of a network says of every training row, computed once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.growth.model.network import GrowingNetwork, batches
from growlearn.ingest.rows import Rows


@dataclass(frozen=True)
class FrozenFeatures:
    """z [N, T, D], the tokens a new branch reads, and pooled [N, 1 + P, D], what its parents found."""

    z: Tensor
    pooled: Tensor


def frozen_features(network: GrowingNetwork, rows: Rows, lineage: Sequence[str]) -> FrozenFeatures:
    """One pass of every row through the stem and the parents."""
    tokens: list[Tensor] = []
    pooled: list[Tensor] = []
    with torch.no_grad():
        for batch in batches(network.encode(rows), len(rows)):
            z = network.root_stem(batch)  # [B, T, D]
            tokens.append(z)
            residuals = [network.branches[branch](z).mean(1) for branch in lineage]
            pooled.append(torch.stack([z.mean(1), *residuals], dim=1))
    return FrozenFeatures(torch.cat(tokens), torch.cat(pooled))
