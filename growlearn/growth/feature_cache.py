"""What training computes once a row: encoded inputs, and features of the frozen part of a network.

Both are bounded: in memory where they are small, on disk up to a limit, beyond it computed batch by batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from growlearn.ingest.rows import Rows
from growlearn.ingest.spool import allocate
from growlearn.network.model.network import GrowingNetwork, iter_batches
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.stems.stem import Stem

_MAX_ENCODED_BYTES = 256 * 2**20
_MAX_FEATURES_IN_MEMORY = 512 * 2**20  # bytes
_MAX_FEATURES_ON_DISK = 16 * 2**30


@dataclass(frozen=True)
class FrozenFeatures:
    """Tokens z [N, T, D] of the frozen stem, and pooled residuals [N, P, D] of the P parents.

    z is None for a branch with a stem of its own.
    """

    z: Tensor | None
    residuals: Tensor

    def at(self, index: Tensor) -> FrozenFeatures:
        """Those of some rows."""
        return FrozenFeatures(None if self.z is None else self.z[index], self.residuals[index])


def encode_inputs(stem: Stem, rows: Rows) -> Callable[[Tensor], EncodedInputs]:
    """From row indices [B] to the encoded inputs of a stem that is trained."""
    if sum(column.nbytes for column in rows.inputs.values()) > _MAX_ENCODED_BYTES:
        return lambda index: stem.encode(rows.take(index.numpy()))
    inputs = stem.encode(rows)
    return lambda index: {name: column[index] for name, column in inputs.items()}


def cache_frozen_features(
    network: GrowingNetwork, rows: Rows, lineage: Sequence[str], *, with_tokens: bool
) -> Callable[[Tensor], FrozenFeatures]:
    """From row indices [B] to frozen features: looked up, or computed where all would take too much disk."""
    one = compute_frozen_features(network, rows.take(np.arange(1)), lineage, with_tokens=with_tokens)
    row_bytes = 4 * (one.residuals.numel() + (0 if one.z is None else one.z.numel()))
    if len(rows) * row_bytes > _MAX_FEATURES_ON_DISK:
        return lambda index: compute_frozen_features(
            network, rows.take(index.numpy()), lineage, with_tokens=with_tokens
        )
    return compute_frozen_features(network, rows, lineage, with_tokens=with_tokens).at


def compute_frozen_features(
    network: GrowingNetwork, rows: Rows, lineage: Sequence[str], *, with_tokens: bool
) -> FrozenFeatures:
    """Pass every row once through the parents, and `with_tokens` through the last parent's stem.

    Large features are mapped from a temporary file.
    """
    empty = torch.empty(len(rows), 0, network.config.embed_dim)
    if not lineage and not with_tokens:
        return FrozenFeatures(None, empty)
    z, residuals, start = torch.empty(0), empty, 0
    with torch.no_grad():
        for batch in iter_batches(rows):
            tokens = network.tokens(batch, lineage)  # [B, T, D] a stem
            part = slice(start, start + len(batch))
            if with_tokens:
                batch_z = tokens[network.get_stem_id(lineage)]
                z = z if start else _allocate(len(rows), batch_z)
                z[part] = batch_z
            if lineage:
                batch_residuals = torch.stack(network.residuals(tokens, lineage), dim=1)  # [B, P, D]
                residuals = residuals if start else _allocate(len(rows), batch_residuals)
                residuals[part] = batch_residuals
            start += len(batch)
    return FrozenFeatures(z if with_tokens else None, residuals)


def _allocate(num_rows: int, batch: Tensor) -> Tensor:
    """An empty tensor of so many rows like those of a batch."""
    return torch.from_numpy(
        allocate((num_rows, *batch.shape[1:]), np.float32, max_in_memory=_MAX_FEATURES_IN_MEMORY)
    )
