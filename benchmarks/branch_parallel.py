"""Branch-parallel training: several processes train one model's first branches, each a part of them.

Rank r holds branches r, r + world, ...; every rank runs the stem and the head. A step equals that of one
process: the ranks gather the pooled residuals [B, n, D], so that each computes the averaged prefix loss over
all branches, and sum the stem's gradients. They exchange nothing else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, multiprocessing, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.execution.loop import LoopExecutor
from growlearn.network.model.head import Head


@dataclass(frozen=True, eq=False)
class BranchShard:
    """The modules of one process: the shared stem and head, and its own of `num_branches` branches."""

    stem: nn.Module  # encoded inputs of B rows -> z [B, T, D]
    branches: Sequence[ResidualBranch]
    head: Head
    num_branches: int

    def parameters(self) -> list[nn.Parameter]:
        """The parameters that this process's optimiser updates."""
        return [
            parameter
            for module in (self.stem, *self.branches, self.head)
            for parameter in module.parameters()
        ]


def launch_workers(
    worker_fn: Callable[..., None], num_workers: int, num_threads: int, *arguments: Any
) -> None:
    """Run worker_fn(*arguments) in `num_workers` new processes of one group, and wait for all of them.

    They use NCCL where each has a GPU, otherwise Gloo. `worker_fn` must be importable by name.
    """
    with tempfile.TemporaryDirectory() as folder:
        rendezvous = (Path(folder) / "rendezvous").as_uri()
        multiprocessing.spawn(  # type: ignore[attr-defined,no-untyped-call]
            _run_worker, (worker_fn, num_workers, num_threads, rendezvous, arguments), nprocs=num_workers
        )


def _run_worker(
    rank: int,
    worker_fn: Callable[..., None],
    num_workers: int,
    num_threads: int,
    rendezvous: str,
    arguments: tuple[Any, ...],
) -> None:
    torch.set_num_threads(num_threads)
    on_gpus = torch.cuda.device_count() >= num_workers
    if on_gpus:
        torch.cuda.set_device(rank)
    distributed.init_process_group(
        "nccl" if on_gpus else "gloo", init_method=rendezvous, rank=rank, world_size=num_workers
    )
    try:
        worker_fn(*arguments)
    finally:
        distributed.destroy_process_group()


def gather_features(shard: BranchShard, z: Tensor) -> Tensor:
    """Z [B, T, D] -> [B, 1 + n, D]: pool(z), then pool(R_i(z)) of all n branches, the same in every process.

    Only rank 0 keeps the gradient of pool(z): summed over ranks it would count world times.
    """
    pooled = (z if distributed.get_rank() == 0 else z.detach()).mean(1)  # [B, D]
    local_residuals = [branch.pooled(z) for branch in shard.branches]
    residuals = (
        torch.stack(local_residuals, dim=1) if local_residuals else z.new_empty(len(z), 0, z.shape[2])
    )  # [B, n_r, D]
    return torch.cat([pooled[:, None], gather_branches(residuals, shard.num_branches)], dim=1)


def train_step(
    shard: BranchShard, inputs: Any, targets: Tensor, optimizer: torch.optim.Optimizer, max_norm: float = 1.0
) -> float:
    """One step on the mean loss of all prefixes; inputs are what the stem takes, targets int64 [B].

    Every process must be given the same rows. Returns the loss before the step.
    """
    logits = shard.head.prefix_logits(
        gather_features(shard, shard.stem(inputs)), shard.num_branches
    )  # [n, B, C]
    loss = torch.stack([F.cross_entropy(prefix, targets) for prefix in logits]).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    all_reduce_gradients(shard.stem.parameters())
    clip_gradients(shard, max_norm)
    optimizer.step()
    return loss.item()


def all_reduce_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Sum the gradients of the shared parameters over all processes, in one message."""
    shared = list(parameters)
    for parameter in shared:
        if parameter.grad is None:  # a process without branches has no path to the stem
            parameter.grad = torch.zeros_like(parameter)
    gradients = [parameter.grad for parameter in shared if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    for gradient, part in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def clip_gradients(shard: BranchShard, max_norm: float) -> None:
    """Scale all gradients so that their norm over the whole model is at most max_norm.

    The same as torch.nn.utils.clip_grad_norm_ in one process.
    """
    squared_norm = shard.head.gates.new_zeros(1)
    for branch in shard.branches:
        squared_norm += _squared_grad_norm(branch)
    distributed.all_reduce(squared_norm)
    shared_squared_norm = _squared_grad_norm(shard.stem) + _squared_grad_norm(shard.head)
    scale = (max_norm / ((squared_norm + shared_squared_norm).sqrt() + 1e-6)).clamp(max=1.0)
    for parameter in shard.parameters():
        if parameter.grad is not None:
            parameter.grad.mul_(scale)


def _squared_grad_norm(module: nn.Module) -> Tensor:
    """The squared norm of a module's gradients, a scalar."""
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    return torch.stack([gradient.square().sum() for gradient in gradients]).sum()


@dataclass(frozen=True, eq=False)
class DistributedExecutor:
    """Runs this rank's branches of a lineage and gathers those of the other ranks."""

    loop: LoopExecutor

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens z [B, T, D] by stem -> pool(R_i(z)) [B, D] along the lineage, the same in every process."""
        if not lineage:
            return []
        rank, world_size = distributed.get_rank(), distributed.get_world_size()
        z = next(iter(tokens.values()))
        local_residuals = self.loop(tokens, lineage[rank::world_size])
        stacked = (
            torch.stack(local_residuals, dim=1) if local_residuals else z.new_empty(len(z), 0, z.shape[2])
        )  # [B, n_r, D]
        return list(gather_branches(stacked, len(lineage)).unbind(1))


def gather_branches(local_branches: Tensor, count: int) -> Tensor:
    """Branches of this rank [B, n_r, D] -> all ranks' branches [B, count, D], in lineage order.

    Differentiable: every rank computes the same loss, so each keeps the gradient of its own branches without
    communication.
    """
    gathered: Tensor = _Gather.apply(local_branches, count)  # type: ignore[no-untyped-call]
    return gathered


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, local_branches: Tensor, count: int) -> Tensor:
        context.rank, context.world = distributed.get_rank(), distributed.get_world_size()
        max_branches = -(-count // context.world)  # the first ranks may hold one more branch
        padded = local_branches.new_zeros(len(local_branches), max_branches, local_branches.shape[2])
        padded[:, : local_branches.shape[1]] = local_branches
        parts = [torch.empty_like(padded) for _ in range(context.world)]
        distributed.all_gather(parts, padded)
        return torch.stack(parts, dim=2).flatten(1, 2)[:, :count]  # [B, max_branches * world, D]

    @staticmethod
    def backward(context: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad[:, context.rank :: context.world], None
