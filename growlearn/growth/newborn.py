"""What a plan's new branches and heads are before any training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from growlearn.domain.growth import Birth, GrowthPlan
from growlearn.growth.beginnings import copied
from growlearn.growth.model.branch import Branch
from growlearn.growth.model.head import Head
from growlearn.growth.model.network import GrowingNetwork
from growlearn.growth.stems.stem import Stem, new_stem
from growlearn.ingest.rows import Rows


@dataclass(frozen=True)
class Newborn:
    """The parts of a plan that are to be trained; `stem` is None for branches on a frozen stem.

    Without branches only the head is.
    """

    stem: Stem | None
    branches: tuple[Branch, ...]
    head: Head
    birth_head: Head  # answers as the head does at birth; over the parents alone where the stem is frozen

    @property
    def prefixes(self) -> int:
        """How many answers training asks for: one a new branch, or that of a head alone."""
        return max(1, len(self.branches))

    def trainable(self) -> list[torch.nn.Module]:
        """The modules an optimiser may touch."""
        return [*([self.stem] if self.stem is not None else []), *self.branches, self.head]


def conceive(plan: GrowthPlan, network: GrowingNetwork, rows: Rows) -> Newborn:
    """Make the newborn parts of a plan, from its seed alone.

    At birth a new branch changes nothing where it is born zero. A copy answers as its parent does, but for
    inputs whose mean and spread are its own window's, and for what its parent's own parents added.
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
        begun = copied(network, plan.base.task(plan.parent).lineage[-1], rows)
        return begun.stem, (begun.branch,)
    own = new_stem(plan.base.schema, spec, rows) if plan.birth is Birth.OWN else None
    branches = tuple(Branch(spec) for _ in plan.new_branches)
    if own is None:
        for branch in branches:
            branch.born_zero()
    return own, branches


def _inherit(plan: GrowthPlan, network: GrowingNetwork, head: Head) -> None:
    """Give the head its gates at birth, and the parent's answer where the label set is the parent's."""
    with torch.no_grad():
        if not plan.copy_head or plan.parent is None:
            return
        elder = network.head(plan.parent)
        head.norm.load_state_dict(elder.norm.state_dict())
        head.linear.load_state_dict(elder.linear.state_dict())
        if plan.birth is Birth.COPY:
            head.gates[[0, -1]] = elder.gates[[0, -1]]
        else:
            head.gates[: len(elder.gates)] = elder.gates


def _copy(source: Head, target: Head) -> None:
    """Give a head another's answer, and its gates as far as both have them."""
    shared = min(len(source.gates), len(target.gates))
    with torch.no_grad():
        target.gates[:shared] = source.gates[:shared]
    target.norm.load_state_dict(source.norm.state_dict())
    target.linear.load_state_dict(source.linear.state_dict())
