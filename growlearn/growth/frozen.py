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
    """z [N, T, D], the tokens a branch born zero reads, and residuals [N, P, D], what its parents found.

    z is None for a branch that brings a stem of its own.
    """

    z: Tensor | None
    residuals: Tensor


def frozen_features(
    network: GrowingNetwork, rows: Rows, lineage: Sequence[str], *, with_tokens: bool
) -> FrozenFeatures:
    """One pass of every row through the parents, and the stem of the last, where they are wanted."""
    none = torch.empty(len(rows), 0, network.spec.width)
    if not lineage and not with_tokens:
        return FrozenFeatures(None, none)
    tokens: list[Tensor] = []
    residuals: list[Tensor] = []
    with torch.no_grad():
        for batch in batches(rows):
            z = network.tokens(batch, lineage)  # [B, T, D] a stem
            if with_tokens:
                tokens.append(z[network.stem_owner(lineage)])
            if lineage:
                residuals.append(torch.stack(network.residuals(z, lineage), dim=1))  # [B, P, D]
    return FrozenFeatures(
        torch.cat(tokens) if with_tokens else None, torch.cat(residuals) if lineage else none
    )
