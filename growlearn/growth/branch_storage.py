"""New branches in their stored form, and how many parameters each has."""

from __future__ import annotations

import torch

from growlearn.domain.growth import GrowthPlan
from growlearn.domain.lineage import BranchWeights
from growlearn.growth.branch_init import TrainableParts
from growlearn.network.model.network import GrowingNetwork
from growlearn.ports import Artifacts


def store_branches(
    plan: GrowthPlan, trainable: TrainableParts, artifacts: Artifacts
) -> tuple[BranchWeights, ...]:
    """Store each new branch, the first one with the new stem where the plan has one."""
    if not trainable.branches:
        return ()
    stem_ids = {entry.id: entry.stem for entry in plan.parent_manifest.branches}
    stem = plan.new_branches[0]
    if trainable.stem is None:
        stem = stem_ids[plan.lineage[-1]] if plan.lineage else plan.parent_manifest.branches[0].stem
    network = GrowingNetwork(plan.parent_manifest.model)
    entries: list[BranchWeights] = []
    parent = None if plan.parent_task is None else plan.parent_manifest.task(plan.parent_task).lineage[-1]
    for i, (name, branch) in enumerate(zip(plan.new_branches, trainable.branches, strict=False)):
        network.add_branch(name, branch, stem, trainable.stem if i == 0 else None)
        sha256 = artifacts.put(network.dump_branch(name))
        entries.append(BranchWeights(id=name, parent=parent, stem=stem, sha256=sha256))
        parent = name
    return tuple(entries)


def count_branch_parameters(trainable: TrainableParts) -> tuple[int, ...]:
    """Parameters of each new branch, with its own stem if any; the last branch also counts the head."""
    return tuple(_count_with_stem_and_head(trainable, index) for index in range(len(trainable.branches)))


def _count_with_stem_and_head(trainable: TrainableParts, index: int) -> int:
    modules: list[torch.nn.Module] = [trainable.branches[index]]
    if index == 0 and trainable.stem is not None:
        modules.append(trainable.stem)
    if index == len(trainable.branches) - 1:
        modules.append(trainable.head)
    return sum(map(count_parameters, modules))


def count_parameters(module: torch.nn.Module) -> int:
    """Parameters of a module, without its buffers."""
    return sum(parameter.numel() for parameter in module.parameters())
