"""Branches and chunks of rows spread over threads.

The loop lets each operation use all threads and waits for them after each one. Here every thread computes
a whole branch of a chunk of rows by itself, and they are waited for once: the same bits as the loop on one
thread.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from growlearn.domain.device import CPU
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.execution.loop import LoopExecutor, split_chunks
from growlearn.network.model.execution.parts import BranchExecutor, BranchSet


@dataclass(frozen=True, eq=False)
class WorkersExecutor:
    """One thread a branch and chunk; `pool` has as many threads as torch had when it was made."""

    branch_set: BranchSet
    pool: ThreadPoolExecutor

    def __call__(self, tokens: Mapping[str, Tensor], lineage: Sequence[str]) -> list[Tensor]:
        """Tokens z [B, T, D] by stem -> pool(R_i(z)) [B, D] along the lineage."""
        parts = [self._submit(name, tokens[self.branch_set.stem_ids[name]]) for name in lineage]
        return [torch.cat([future.result() for future in futures]) for futures in parts]

    def _submit(self, name: str, z: Tensor) -> list[Future[Tensor]]:
        branch, has_grad = self.branch_set.get_branch(name), torch.is_grad_enabled()
        return [self.pool.submit(_pool_residual, branch, chunk, has_grad) for chunk in split_chunks(z)]


def spread_over_workers(branch_set: BranchSet) -> BranchExecutor:
    """As many workers as torch has threads; the loop with one thread, where it is the same, and on a GPU."""
    num_workers = torch.get_num_threads()
    is_on_cpu = all(parameter.device.type == CPU for parameter in branch_set.branches.parameters())
    if num_workers == 1 or not is_on_cpu:
        return LoopExecutor(branch_set)
    return WorkersExecutor(branch_set, _start_pool(num_workers))


def _pool_residual(branch: ResidualBranch, z: Tensor, has_grad: bool) -> Tensor:
    """Chunk z [b, T, D] -> pool(R(z)) [b, D]; whether gradients are recorded is a thread's own setting."""
    with torch.set_grad_enabled(has_grad):
        return branch.pooled(z)


def _start_pool(num_workers: int) -> ThreadPoolExecutor:
    """Threads whose operations use one thread each."""
    started = threading.Barrier(num_workers + 1)

    def start() -> None:
        torch.get_num_threads()  # a thread takes the common number over once, now
        torch.set_num_threads(1)
        started.wait()

    pool = ThreadPoolExecutor(num_workers, thread_name_prefix="branch-worker")
    for _ in range(num_workers):
        pool.submit(start)  # each waits for all, so each has a thread of its own
    started.wait()
    torch.set_num_threads(
        num_workers
    )  # the number that threads of others start with, which `start` changed too
    return pool
