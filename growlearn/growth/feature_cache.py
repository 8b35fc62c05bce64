"""Features of every training row from the frozen part of a network, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.ingest.rows import Rows
from growlearn.network.model.network import GrowingNetwork, iter_batches


@dataclass(frozen=True)
class FrozenFeatures:
    """Tokens z [N, T, D] of the frozen stem, and pooled residuals [N, P, D] of the P parents.

    z is None for a branch with a stem of its own.
    """

    z: Tensor | None
    residuals: Tensor


def compute_frozen_features(
    network: GrowingNetwork, rows: Rows, lineage: Sequence[str], *, with_tokens: bool
) -> FrozenFeatures:
    """Pass every row once through the parents, and `with_tokens` through the last parent's stem."""
    empty = torch.empty(len(rows), 0, network.config.embed_dim)
    if not lineage and not with_tokens:
        return FrozenFeatures(None, empty)
    tokens: list[Tensor] = []
    residuals: list[Tensor] = []
    with torch.no_grad():
        for batch in iter_batches(rows):
            z = network.tokens(batch, lineage)  # [B, T, D] a stem
            if with_tokens:
                tokens.append(z[network.get_stem_id(lineage)])
            if lineage:
                residuals.append(torch.stack(network.residuals(z, lineage), dim=1))  # [B, P, D]
    return FrozenFeatures(
        torch.cat(tokens) if with_tokens else None, torch.cat(residuals) if lineage else empty
    )
