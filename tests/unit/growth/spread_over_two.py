"""Run as a program: trains three branches in two processes and in one, and tells the differences."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.job import ModelSpec
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.execution import PLANS
from growlearn.growth.model.execution.parts import Parts
from growlearn.growth.model.head import Head
from growlearn.growth.parallel import Share, features, launch, train_step

SPEC = ModelSpec(width=8, heads=2, depth=2)
COUNT, STEPS = 3, 3


def born() -> tuple[nn.Module, list[Branch], Head]:
    torch.manual_seed(0)
    return nn.Linear(5, SPEC.width), [Branch(SPEC) for _ in range(COUNT)], Head(COUNT, SPEC.width, 4)


def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(6, 7, 5), torch.arange(6) % 4


def alone() -> tuple[list[float], list[Tensor]]:
    """Losses and final weights of one process."""
    stem, branches, head = born()
    modules = nn.ModuleList([stem, *branches, head])
    optimizer = torch.optim.SGD(modules.parameters(), lr=0.1)
    inputs, targets = batch()
    losses = []
    for _ in range(STEPS):
        z = stem(inputs)
        found = torch.stack([z.mean(1), *(branch.pooled(z) for branch in branches)], dim=1)
        loss = torch.stack([F.cross_entropy(p, targets) for p in head.prefixes(found, COUNT)]).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(modules.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses, [parameter.detach() for parameter in modules.parameters()]


def spread(out: str) -> None:
    """What each of two processes does."""
    rank, world = distributed.get_rank(), distributed.get_world_size()
    stem, branches, head = born()
    inputs, targets = batch()
    differences = {"features": _differences_of_features(stem, branches, head)}
    share = Share(stem, branches[rank::world], head, COUNT)
    optimizer = torch.optim.SGD(share.parameters(), lr=0.1)
    losses = [train_step(share, inputs, targets, optimizer) for _ in range(STEPS)]
    expected, weights = alone()
    differences["losses"] = max(abs(a - b) for a, b in zip(losses, expected, strict=True))
    all_of_it = list(nn.ModuleList([stem, *branches, head]).parameters())
    mine = {id(parameter) for parameter in share.parameters()}
    differences["weights"] = max(
        float((a - b).detach().abs().max()) for a, b in zip(all_of_it, weights, strict=True) if id(a) in mine
    )
    Path(f"{out}.{rank}").write_text(json.dumps(differences), encoding="utf-8")


def _differences_of_features(stem: nn.Module, branches: list[Branch], head: Head) -> float:
    """The workers plan, and the features of training, against branch after branch."""
    rank, world = distributed.get_rank(), distributed.get_world_size()
    names = [f"b{i}" for i in range(COUNT)]
    held = nn.ModuleDict(dict(zip(names, copy.deepcopy(branches), strict=True)))
    parts = Parts(held, dict.fromkeys(names, "b0"), ())
    with torch.no_grad():
        z = stem(batch()[0])
        expected = torch.stack([z.mean(1), *(branch.pooled(z) for branch in branches)], dim=1)
        planned = torch.stack([z.mean(1), *PLANS["workers"](parts)({"b0": z}, names)], dim=1)
        one = PLANS["workers"](parts)({"b0": z}, names[:1])[0]  # rank 1 has no branch of its own
        trained = features(Share(stem, branches[rank::world], head, COUNT), z)
    found = [(planned - expected), (trained - expected), (one - expected[:, 1])]
    return max(float(difference.abs().max()) for difference in found)


if __name__ == "__main__":
    launch(spread, 2, 1, sys.argv[1])
