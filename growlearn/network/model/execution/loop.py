"""One branch after the other: the reference executor, used for training, evaluation and checks.

On the CPU large batches are split into chunks of rows whose activations fit in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.domain.device import CPU
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.execution.parts import BranchSet

_CHUNK_ELEMENTS = 65_536  # rows x tokens x width of one chunk: its MLP holds 1 MiB


@dataclass(frozen=True, eq=False)
class LoopExecutor:
    """Branches in lineage order."""

    branch_set: BranchSet

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens z [B, T, D] by stem -> pool(R_i(z)) [B, D] along the lineage."""
        return [
            _pooled_residual(self.branch_set.get_branch(name), tokens[self.branch_set.stem_ids[name]])
            for name in lineage
        ]


def split_chunks(z: Tensor) -> tuple[Tensor, ...]:
    """Tokens z [B, T, D] -> chunks of rows [b, T, D]; on a GPU, which is fastest with all at once, one."""
    if z.device.type != CPU:
        return (z,)
    return torch.split(z, max(1, _CHUNK_ELEMENTS // (z.shape[1] * z.shape[2])))


def _pooled_residual(branch: ResidualBranch, z: Tensor) -> Tensor:
    """Tokens z [B, T, D] -> pool(R(z)) [B, D]."""
    return torch.cat([branch.pooled(chunk) for chunk in split_chunks(z)])
