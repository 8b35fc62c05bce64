"""What a plan's new branches and heads are before any training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from growlearn.domain.growth import GrowthPlan
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.head import Head
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.stems.stem import Stem, new_stem
from growlearn.ingest.rows import Rows


@dataclass(frozen=True)
class Newborn:
    """The parts of a plan that are to be trained; `stem` only for a stream's first branches."""

    stem: Stem | None
    branches: tuple[Branch, ...]
    head: Head
    birth_head: Head  # answers over the parents alone, as the head does at birth

    def trainable(self) -> list[torch.nn.Module]:
        """The modules an optimiser may touch."""
        return [*([self.stem] if self.stem is not None else []), *self.branches, self.head]


def conceive(plan: GrowthPlan, network: GrowingNetwork, rows: Rows) -> Newborn:
    """Make the newborn parts of a plan, from its seed alone.

    Branches that join frozen parents are born zero: they change nothing until they are trained. A
    stream's first branches have nothing to preserve and start as usual.
    """
    with torch.random.fork_rng():
        torch.manual_seed(plan.seed)
        spec = plan.base.model
        first = not plan.base.branches
        stem = new_stem(plan.base.schema, spec, rows) if first else None
        branches = tuple(Branch(spec) for _ in plan.new_branches)
        root = stem if stem is not None else network.root_stem
        tokens = root(root.encode(rows.take(np.arange(1)))).shape[1]  # T
        head = Head(len(plan.lineage) + len(branches), spec.width, len(plan.classes), tokens)
        birth_head = Head(len(plan.lineage), spec.width, len(plan.classes), tokens)
    if not first:
        for branch in branches:
            branch.born_zero()
    if plan.copy_head and plan.parent is not None:
        _copy(network.head(plan.parent), head)
    _copy(head, birth_head)
    return Newborn(stem, branches, head, birth_head)


def _copy(source: Head, target: Head) -> None:
    """Give a head another's answer, and its gates as far as both have them."""
    shared = min(len(source.gates), len(target.gates))
    with torch.no_grad():
        target.gates[:shared] = source.gates[:shared]
    target.norm.load_state_dict(source.norm.state_dict())
    target.linear.load_state_dict(source.linear.state_dict())
