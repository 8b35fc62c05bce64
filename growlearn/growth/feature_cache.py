"""What training computes once a row: encoded inputs, and features of the frozen part of a network.

Both are bounded: on the device that trains where they take a part of its free memory, else in memory where
they are small, on disk up to a limit, beyond it computed batch by batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from growlearn.domain.device import CPU
from growlearn.ingest.rows import Rows
from growlearn.ingest.spool import allocate
from growlearn.network.model.network import GrowingNetwork, iter_batches
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.stems.stem import Stem, move_inputs
from growlearn.network.transfer import cache_budget_bytes, pick, to_device

_MAX_ENCODED_BYTES = 256 * 2**20
_ESTIMATE_ROWS = 256  # encoded to estimate that
_MAX_FEATURES_IN_MEMORY = 512 * 2**20  # bytes
_MAX_FEATURES_ON_DISK = 16 * 2**30


TokensKept: TypeAlias = Literal["all", "mean", "none"]
"""What is kept of a frozen stem's tokens: all for a new branch, their mean for a head alone."""


@dataclass(frozen=True)
class FrozenFeatures:
    """Tokens z [N, T, D] of the frozen stem, and pooled residuals [N, P, D] of the P parents.

    z is None for a branch with a stem of its own; where only the mean is kept, T is 1. `answer` has the
    features [N, F, D] of the lineage of the frozen answer; None where none enters.
    """

    z: Tensor | None
    residuals: Tensor
    answer: Tensor | None = None

    def at(self, index: Tensor) -> FrozenFeatures:
        """Tokens and residuals of some rows, each where it is kept."""
        return FrozenFeatures(None if self.z is None else pick(self.z, index), pick(self.residuals, index))


@dataclass(frozen=True)
class FrozenCache:
    """Frozen features by row indices [B], and those of the frozen answer's lineage for all rows [N, F, D]."""

    at: Callable[[Tensor], FrozenFeatures]
    answer: Tensor | None = None


def encode_inputs(stem: Stem, rows: Rows) -> Callable[[Tensor], EncodedInputs]:
    """From row indices [B], on the CPU, to the encoded inputs of a stem that is trained."""
    if _estimate_encoded_bytes(stem, rows) > _MAX_ENCODED_BYTES:
        return lambda index: stem.encode(rows.take(index.numpy()))
    inputs = keep_inputs(stem, stem.encode(rows))
    return lambda index: {name: pick(column, index) for name, column in inputs.items()}


def keep_inputs(stem: Stem, inputs: EncodedInputs) -> EncodedInputs:
    """Encoded inputs where training reads them fastest: on the stem's device, if they fit there."""
    num_bytes = sum(tensor.nbytes for tensor in inputs.values())
    return move_inputs(inputs, stem.device) if _fits(stem.device, num_bytes) else inputs


def _fits(device: torch.device, num_bytes: int) -> bool:
    """Whether so many bytes may be kept on a device that is not the CPU."""
    return device.type != CPU and num_bytes <= cache_budget_bytes(device)


def _estimate_encoded_bytes(stem: Stem, rows: Rows) -> int:
    """The bytes of all rows encoded, from those of some: a text is larger encoded than its pointer."""
    some = rows.take(np.arange(min(len(rows), _ESTIMATE_ROWS)))
    some_bytes = sum(tensor.nbytes for tensor in stem.encode(some).values())
    return max(some_bytes * len(rows) // max(len(some), 1), sum(c.nbytes for c in rows.inputs.values()))


def cache_frozen_features(
    network: GrowingNetwork,
    rows: Rows,
    lineage: Sequence[str],
    *,
    tokens_kept: TokensKept,
    answer_lineage: Sequence[str] | None = None,
) -> FrozenCache:
    """The frozen features of rows: looked up, or computed where all would take too much disk."""
    one = compute_frozen_features(network, rows.take(np.arange(1)), lineage, tokens_kept=tokens_kept)
    row_bytes = 4 * (one.residuals.numel() + (0 if one.z is None else one.z.numel()))
    if len(rows) * row_bytes > _MAX_FEATURES_ON_DISK:

        def compute(index: Tensor) -> FrozenFeatures:
            return compute_frozen_features(
                network, rows.take(index.numpy()), lineage, tokens_kept=tokens_kept
            )

        pooled = None if answer_lineage is None else network.pooled_features(rows, answer_lineage)
        answer = None if pooled is None else to_device(torch.from_numpy(pooled), network.device)
        return FrozenCache(compute, answer)
    features = compute_frozen_features(
        network, rows, lineage, tokens_kept=tokens_kept, answer_lineage=answer_lineage
    )
    return FrozenCache(features.at, features.answer)


def compute_frozen_features(
    network: GrowingNetwork,
    rows: Rows,
    lineage: Sequence[str],
    *,
    tokens_kept: TokensKept,
    answer_lineage: Sequence[str] | None = None,
) -> FrozenFeatures:
    """Pass every row once through the parents and their stems, and through the lineage of the frozen answer.

    The tokens kept are those of the last parent's stem; without parents, of the root's. Large features are
    mapped from a temporary file.
    """
    empty = torch.empty(len(rows), 0, network.config.embed_dim, device=network.device)
    lineages = [lineage] if lineage or tokens_kept != "none" else []
    if answer_lineage is not None:
        lineages.append(answer_lineage)
    if not lineages:
        return FrozenFeatures(None, empty)
    branches = tuple(dict.fromkeys(branch for each in lineages for branch in each))
    z, residuals, answer, start = torch.empty(0), empty, [], 0
    with torch.no_grad():
        for batch in iter_batches(rows):
            tokens = network.tokens(batch, *lineages)  # [B, T, D] a stem
            by_branch = dict(zip(branches, network.residuals(tokens, branches), strict=True))  # [B, D] each
            part = slice(start, start + len(batch))
            if tokens_kept != "none":
                batch_z = tokens[network.get_stem_id(lineage)]
                if tokens_kept == "mean":
                    batch_z = batch_z.mean(1, keepdim=True)  # [B, 1, D]
                z = z if start else _allocate(len(rows), batch_z)
                z[part] = batch_z
            if lineage:
                batch_residuals = torch.stack([by_branch[name] for name in lineage], dim=1)  # [B, P, D]
                residuals = residuals if start else _allocate(len(rows), batch_residuals)
                residuals[part] = batch_residuals
            if answer_lineage is not None:
                answer.append(network.stack_features(tokens, by_branch, answer_lineage))  # [B, F, D]
            start += len(batch)
    return FrozenFeatures(
        None if tokens_kept == "none" else z, residuals, torch.cat(answer) if answer else None
    )


def _allocate(num_rows: int, batch: Tensor) -> Tensor:
    """An empty tensor of so many rows like those of a batch, on its device if it fits there."""
    shape = (num_rows, *batch.shape[1:])
    if _fits(batch.device, 4 * math.prod(shape)):
        return torch.empty(shape, device=batch.device)
    return torch.from_numpy(allocate(shape, np.float32, max_in_memory=_MAX_FEATURES_IN_MEMORY))
