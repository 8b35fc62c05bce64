"""One model's first branches trained by several processes, each holding a share of the branches.

Rank r holds branches r, r + world, ...; every rank runs the stem and the head. A step equals that of one
process: pooled residuals [B, n, D] are gathered, so that every rank knows the averaged prefix loss over
all branches; the stem's gradients are summed. Nothing else travels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, multiprocessing, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.growth.model.branch import Branch
from growlearn.growth.model.execution.workers import gather
from growlearn.growth.model.head import Head


@dataclass(frozen=True, eq=False)
class Share:
    """What one process trains: the stem and the head that all have, and its own of `count` branches."""

    stem: nn.Module  # encoded inputs of B rows -> z [B, T, D]
    branches: Sequence[Branch]
    head: Head
    count: int

    def parameters(self) -> list[nn.Parameter]:
        """Everything this process's optimiser may touch."""
        return [
            parameter
            for module in (self.stem, *self.branches, self.head)
            for parameter in module.parameters()
        ]


def launch(task: Callable[..., None], workers: int, threads: int, *arguments: Any) -> None:
    """Run task(*arguments) in so many new processes that form one group, and wait for all of them.

    With a GPU for each they speak NCCL, otherwise Gloo. `task` must be importable by its name.
    """
    with tempfile.TemporaryDirectory() as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        multiprocessing.spawn(  # type: ignore[attr-defined,no-untyped-call]
            _join, (task, workers, threads, meeting, arguments), nprocs=workers
        )


def _join(
    rank: int, task: Callable[..., None], workers: int, threads: int, meeting: str, arguments: tuple[Any, ...]
) -> None:
    torch.set_num_threads(threads)
    on_gpus = torch.cuda.device_count() >= workers
    if on_gpus:
        torch.cuda.set_device(rank)
    distributed.init_process_group(
        "nccl" if on_gpus else "gloo", init_method=meeting, rank=rank, world_size=workers
    )
    try:
        task(*arguments)
    finally:
        distributed.destroy_process_group()


def features(share: Share, z: Tensor) -> Tensor:
    """Z [B, T, D] -> [B, 1 + n, D]: pool(z), then pool(R_i(z)) of all n branches, the same in every process.

    The gradient of pool(z) is left to rank 0: summed over ranks it would count world times.
    """
    pooled = (z if distributed.get_rank() == 0 else z.detach()).mean(1)  # [B, D]
    own = [branch.pooled(z) for branch in share.branches]
    residuals = torch.stack(own, dim=1) if own else z.new_empty(len(z), 0, z.shape[2])  # [B, n_r, D]
    return torch.cat([pooled[:, None], gather(residuals, share.count)], dim=1)


def train_step(
    share: Share, inputs: Any, targets: Tensor, optimizer: torch.optim.Optimizer, max_norm: float = 1.0
) -> float:
    """One step on the mean loss of all prefixes; inputs are what the stem takes, targets int64 [B].

    Every process must be given the same rows. Returns the loss before the step.
    """
    logits = share.head.prefixes(features(share, share.stem(inputs)), share.count)  # [n, B, C]
    loss = torch.stack([F.cross_entropy(prefix, targets) for prefix in logits]).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    sum_gradients(share.stem.parameters())
    clip_gradients(share, max_norm)
    optimizer.step()
    return loss.item()


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Add up the gradients of parameters that every process has, in one message."""
    shared = list(parameters)
    for parameter in shared:
        if parameter.grad is None:  # a process without branches does not lead to the stem
            parameter.grad = torch.zeros_like(parameter)
    gradients = [parameter.grad for parameter in shared if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    for gradient, part in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def clip_gradients(share: Share, max_norm: float) -> None:
    """Scale all gradients so that their norm over the whole model is at most max_norm.

    The same as torch.nn.utils.clip_grad_norm_ in one process.
    """
    own = share.head.gates.new_zeros(1)
    for branch in share.branches:
        own += _squares(branch)
    distributed.all_reduce(own)
    shared = _squares(share.stem) + _squares(share.head)
    scale = (max_norm / ((own + shared).sqrt() + 1e-6)).clamp(max=1.0)
    for parameter in share.parameters():
        if parameter.grad is not None:
            parameter.grad.mul_(scale)


def _squares(module: nn.Module) -> Tensor:
    """The squared norm of a module's gradients, a scalar."""
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    return torch.stack([gradient.square().sum() for gradient in gradients]).sum()
