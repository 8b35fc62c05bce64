"""Branches spread over the processes of a torch.distributed group: rank r runs branches r, r + world, ...

Every process calls the plan with the same tokens. Only pooled residuals travel, [B, n, D].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed

from growlearn.domain.errors import GrowLearnError
from growlearn.growth.model.execution.loop import Loop
from growlearn.growth.model.execution.parts import Parts


@dataclass(frozen=True, eq=False)
class Workers:
    """The own share of a lineage branch by branch, the others' gathered."""

    loop: Loop

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens z [B, T, D] by stem -> pool(R_i(z)) [B, D] along the lineage, the same in every process."""
        if not lineage:
            return []
        rank, world = distributed.get_rank(), distributed.get_world_size()
        z = next(iter(tokens.values()))
        own = self.loop(tokens, lineage[rank::world])
        stacked = torch.stack(own, dim=1) if own else z.new_empty(len(z), 0, z.shape[2])  # [B, n_r, D]
        return list(gather(stacked, len(lineage)).unbind(1))


def spread(parts: Parts) -> Workers:
    """The plan for this process; raises GrowLearnError outside a group of processes."""
    if not distributed.is_initialized():
        raise GrowLearnError(
            "the plan 'workers' needs a group of processes",
            cure="start them with torchrun and call torch.distributed.init_process_group first",
        )
    return Workers(Loop(parts))


def gather(own: Tensor, count: int) -> Tensor:
    """Own branches [B, n_r, D] -> all processes' branches [B, count, D], in lineage order.

    Differentiable: every process is taken to compute the same loss, so each keeps the gradient of its
    own branches and nothing travels back.
    """
    gathered: Tensor = _Gather.apply(own, count)  # type: ignore[no-untyped-call]
    return gathered


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, own: Tensor, count: int) -> Tensor:
        context.rank, context.world = distributed.get_rank(), distributed.get_world_size()
        most = -(-count // context.world)  # the first ranks may hold one branch more
        padded = own.new_zeros(len(own), most, own.shape[2])
        padded[:, : own.shape[1]] = own
        parts = [torch.empty_like(padded) for _ in range(context.world)]
        distributed.all_gather(parts, padded)
        return torch.stack(parts, dim=2).flatten(1, 2)[:, :count]  # [B, most, world, D] -> [B, count, D]

    @staticmethod
    def backward(context: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad[:, context.rank :: context.world], None
