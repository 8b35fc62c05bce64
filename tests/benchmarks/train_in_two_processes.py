"""Run as a program: trains three branches in two processes and in one, and writes the differences."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from benchmarks.branch_parallel import (
    BranchShard,
    DistributedExecutor,
    gather_features,
    launch_workers,
    train_step,
)
from growlearn.domain.model_config import ModelConfig
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.execution.loop import LoopExecutor
from growlearn.network.model.execution.parts import BranchSet
from growlearn.network.model.head import Head

CONFIG = ModelConfig(embed_dim=8, num_heads=2, depth=2)
COUNT, STEPS = 3, 3


def make_parts() -> tuple[nn.Module, list[ResidualBranch], Head]:
    torch.manual_seed(0)
    return (
        nn.Linear(5, CONFIG.embed_dim),
        [ResidualBranch(CONFIG) for _ in range(COUNT)],
        Head(1 + COUNT, CONFIG.embed_dim, 4),
    )


def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(6, 7, 5), torch.arange(6) % 4


def train_in_one_process() -> tuple[list[float], list[Tensor]]:
    """Losses and final weights of one process."""
    stem, branches, head = make_parts()
    modules = nn.ModuleList([stem, *branches, head])
    optimizer = torch.optim.SGD(modules.parameters(), lr=0.1)
    inputs, targets = batch()
    losses = []
    for _ in range(STEPS):
        z = stem(inputs)
        features = torch.stack([z.mean(1), *(branch.pooled(z) for branch in branches)], dim=1)
        loss = torch.stack([F.cross_entropy(p, targets) for p in head.prefix_logits(features, COUNT)]).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(modules.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses, [parameter.detach() for parameter in modules.parameters()]


def train_in_two_processes(out: str) -> None:
    """What each process runs."""
    rank, world = distributed.get_rank(), distributed.get_world_size()
    stem, branches, head = make_parts()
    inputs, targets = batch()
    differences = {"features": _feature_difference(stem, branches, head)}
    shard = BranchShard(stem, branches[rank::world], head, COUNT)
    optimizer = torch.optim.SGD(shard.parameters(), lr=0.1)
    losses = [train_step(shard, inputs, targets, optimizer) for _ in range(STEPS)]
    expected, weights = train_in_one_process()
    differences["losses"] = max(abs(a - b) for a, b in zip(losses, expected, strict=True))
    parameters = list(nn.ModuleList([stem, *branches, head]).parameters())
    own = {id(parameter) for parameter in shard.parameters()}
    differences["weights"] = max(
        float((a - b).detach().abs().max()) for a, b in zip(parameters, weights, strict=True) if id(a) in own
    )
    Path(f"{out}.{rank}").write_text(json.dumps(differences), encoding="utf-8")


def _feature_difference(stem: nn.Module, branches: list[ResidualBranch], head: Head) -> float:
    """The workers executor and the training features, compared with one branch after another."""
    rank, world = distributed.get_rank(), distributed.get_world_size()
    names = [f"b{i}" for i in range(COUNT)]
    modules = nn.ModuleDict(dict(zip(names, copy.deepcopy(branches), strict=True)))
    parts = BranchSet(modules, dict.fromkeys(names, "b0"), ())
    with torch.no_grad():
        z = stem(batch()[0])
        expected = torch.stack([z.mean(1), *(branch.pooled(z) for branch in branches)], dim=1)
        executor = DistributedExecutor(LoopExecutor(parts))
        executed = torch.stack([z.mean(1), *executor({"b0": z}, names)], dim=1)
        one = executor({"b0": z}, names[:1])[0]  # rank 1 has no branch of its own
        trained = gather_features(BranchShard(stem, branches[rank::world], head, COUNT), z)
    differences = [(executed - expected), (trained - expected), (one - expected[:, 1])]
    return max(float(difference.abs().max()) for difference in differences)


if __name__ == "__main__":
    launch_workers(train_in_two_processes, 2, 1, sys.argv[1])
