"""What a plan's new branches and heads are before any training."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch

from growlearn.domain.growth import Birth, GrowthPlan
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.head import Head
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.stems.stem import Stem, new_stem
from growlearn.ingest.rows import Rows


@dataclass(frozen=True)
class Newborn:
    """The parts of a plan that are to be trained; `stem` is None for branches on a frozen stem."""

    stem: Stem | None
    branches: tuple[Branch, ...]
    head: Head
    birth_head: Head  # answers as the head does at birth; over the parents alone where the stem is frozen

    def trainable(self) -> list[torch.nn.Module]:
        """The modules an optimiser may touch."""
        return [*([self.stem] if self.stem is not None else []), *self.branches, self.head]


def conceive(plan: GrowthPlan, network: GrowingNetwork, rows: Rows) -> Newborn:
    """Make the newborn parts of a plan, from its seed alone.

    At birth a new branch changes nothing where it is born zero. A copy answers as its parent does, but for
    inputs whose mean and spread are its own window's. With a stem of its own, copied or new, frozen
    branches that it did not come from enter through gates that are born 0.
    """
    with torch.random.fork_rng():
        torch.manual_seed(plan.seed)
        stem, branches = _bear(plan, network, rows)
        spec = plan.base.model
        head = Head(len(plan.lineage) + len(branches), spec.width, len(plan.classes))
        parents = len(plan.lineage) + (0 if stem is None else len(branches))
        birth_head = Head(parents, spec.width, len(plan.classes))
    _inherit(plan, network, head)
    _copy(head, birth_head)
    return Newborn(stem, branches, head, birth_head)


def first_of(newborn: Newborn, branches: int) -> Newborn:
    """The newborn without its later branches; the head loses their gates."""
    if branches == len(newborn.branches):
        return newborn
    dropped = len(newborn.branches) - branches
    return replace(newborn, branches=newborn.branches[:branches], head=newborn.head.without_last(dropped))


def _bear(plan: GrowthPlan, network: GrowingNetwork, rows: Rows) -> tuple[Stem | None, tuple[Branch, ...]]:
    spec = plan.base.model
    if plan.birth is Birth.COPY:
        assert plan.parent is not None, "a copy has a parent"
        source = plan.base.task(plan.parent).lineage[-1]
        stem = copy.deepcopy(network.stem(network.stem_of[source])).requires_grad_(True)
        stem.fit(stem.encode(rows))  # inputs that moved as a whole are brought back to where they were
        branch = copy.deepcopy(network.branches[source]).requires_grad_(True)
        assert isinstance(branch, Branch)
        return stem, (branch,)
    own = new_stem(plan.base.schema, spec, rows) if plan.birth is Birth.OWN else None
    branches = tuple(Branch(spec) for _ in plan.new_branches)
    if own is None:
        for branch in branches:
            branch.born_zero()
    return own, branches


def _inherit(plan: GrowthPlan, network: GrowingNetwork, head: Head) -> None:
    """Give the head its gates at birth, and the parent's answer where the label set is the parent's."""
    with torch.no_grad():
        if plan.birth is not Birth.ZERO:
            head.gates[1 : 1 + len(plan.lineage)] = 0.0
        if not plan.copy_head or plan.parent is None:
            return
        elder = network.head(plan.parent)
        lineage = plan.base.task(plan.parent).lineage
        head.norm.load_state_dict(elder.norm.state_dict())
        head.linear.load_state_dict(elder.linear.state_dict())
        if plan.birth is Birth.OWN:
            return
        gate_of = dict(zip(lineage, elder.gates[1:], strict=True))
        head.gates[0] = elder.gates[0]
        if plan.birth is Birth.COPY:
            head.gates[-1] = gate_of.pop(lineage[-1])
        for at, branch in enumerate(plan.lineage, 1):
            if branch in gate_of:
                head.gates[at] = gate_of[branch]


def _copy(source: Head, target: Head) -> None:
    """Give a head another's answer, and its gates as far as both have them."""
    shared = min(len(source.gates), len(target.gates))
    with torch.no_grad():
        target.gates[:shared] = source.gates[:shared]
    target.norm.load_state_dict(source.norm.state_dict())
    target.linear.load_state_dict(source.linear.state_dict())
