"""New branches, stems and heads before any training: copies of earlier ones, or drawn from a seed."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from growlearn.domain.growth import BranchInit, GrowthPlan
from growlearn.domain.model_config import ModelConfig
from growlearn.domain.schema import Schema
from growlearn.growth.linear_fit import fit_linear_term
from growlearn.ingest.rows import Rows
from growlearn.network.model.branch import ResidualBranch
from growlearn.network.model.head import Head
from growlearn.network.model.head_sum import list_terms
from growlearn.network.model.lineage_features import Feature
from growlearn.network.model.network import GrowingNetwork, iter_batches
from growlearn.network.stems.stem import Stem, fit_stem, make_stem


@dataclass(frozen=True)
class StemBranchPair:
    """A stem and the branch that reads it, both trainable."""

    stem: Stem
    branch: ResidualBranch

    def pooled_features(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Features of N rows before any training: [N, 2, D], pool(z) and pool(R(z))."""
        parts = []
        with torch.no_grad():
            for batch in iter_batches(rows):
                z = self.stem(self.stem.encode(batch))  # [B, T, D]
                parts.append(torch.stack([z.mean(1), self.branch.pooled(z)], dim=1))
        return torch.cat(parts).cpu().numpy()


def clone_pair(network: GrowingNetwork, branch_id: str, rows: Rows) -> StemBranchPair:
    """A copy of a branch and of the stem it reads, with the normalisation of inputs fitted to `rows`.

    So a shift of all inputs is normalised away. It is fitted on the CPU; the copy is where the network is.
    """
    stem = copy.deepcopy(network.stem(network.stem_ids[branch_id])).requires_grad_(True).cpu()
    fit_stem(stem, rows)
    branch = copy.deepcopy(network.branches[branch_id]).requires_grad_(True)
    assert isinstance(branch, ResidualBranch)
    return StemBranchPair(stem.to(network.device), branch)


def init_pair(schema: Schema, config: ModelConfig, rows: Rows, device: torch.device) -> StemBranchPair:
    """A new stem and branch on a device, drawn from torch's global generator of the CPU."""
    return StemBranchPair(make_stem(schema, config, rows).to(device), ResidualBranch(config).to(device))


@dataclass(frozen=True)
class TrainableParts:
    """The modules that a plan trains; `stem` is None for branches on a frozen stem.

    Without new branches only the head is trained. `initial_head` gives the logits before training; on a
    frozen stem it reads the parents alone.
    """

    stem: Stem | None
    branches: tuple[ResidualBranch, ...]
    head: Head
    initial_head: Head

    @property
    def num_prefixes(self) -> int:
        """How many prefixes are trained: one for each new branch, or one for a head alone."""
        return max(1, len(self.branches))

    def modules(self) -> list[torch.nn.Module]:
        """The modules whose weights the optimiser updates."""
        return [*([self.stem] if self.stem is not None else []), *self.branches, self.head]

    def to(self, device: torch.device) -> TrainableParts:
        """The same parts, moved to a device."""
        for module in (*self.modules(), self.initial_head):
            module.to(device)
        return self


def init_trainable_parts(plan: GrowthPlan, network: GrowingNetwork, rows: Rows) -> TrainableParts:
    """Initialise the new modules of a plan where the network is; only its seed decides the random weights.

    They are drawn and fitted on the CPU, so training starts from the same weights on every device.
    A branch on a frozen stem starts with a zero residual, so it changes no logit. A copy gives its parent's
    logits, except that inputs are normalised by this window and the parent's own parents are missing.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(plan.seed)
        stem, branches = _init_branches(plan, network, rows)
        config = plan.parent_manifest.model
        head = Head(1 + len(plan.lineage) + len(branches), config.embed_dim, len(plan.classes))
        num_parents = len(plan.lineage) + (0 if stem is None else len(branches))
        initial_head = Head(1 + num_parents, config.embed_dim, len(plan.classes))
    _init_head_from_parent(plan, network, head)
    if plan.combination.frozen_weight == 1:
        _zero_init_head(head)
    _copy_head(head, initial_head)
    return TrainableParts(stem, branches, head, initial_head).to(network.device)


def keep_first(trainable: TrainableParts, branches: int) -> TrainableParts:
    """The same parts with the first few branches only; the head loses the gates of the others."""
    if branches == len(trainable.branches):
        return trainable
    num_features = len(trainable.head.gates) - (len(trainable.branches) - branches)
    return replace(
        trainable, branches=trainable.branches[:branches], head=trainable.head.shorten(num_features)
    )


def _init_branches(
    plan: GrowthPlan, network: GrowingNetwork, rows: Rows
) -> tuple[Stem | None, tuple[ResidualBranch, ...]]:
    config = plan.parent_manifest.model
    if plan.init is BranchInit.WARM_START:
        assert plan.parent_task is not None, "a warm start copies a parent"
        pair = clone_pair(network, plan.parent_manifest.task(plan.parent_task).lineage[-1], rows)
        fit_linear_term(pair.stem, rows, plan.classes, plan.class_weights)
        return pair.stem, (pair.branch,)
    own_stem = (
        make_stem(plan.parent_manifest.schema, config, rows) if plan.init is BranchInit.SCRATCH else None
    )
    branches = tuple(ResidualBranch(config) for _ in plan.new_branches)
    if own_stem is None:
        for branch in branches:
            branch.zero_init_output()
    else:
        fit_linear_term(own_stem, rows, plan.classes, plan.class_weights)
    return own_stem, branches


def _init_head_from_parent(plan: GrowthPlan, network: GrowingNetwork, head: Head) -> None:
    """Copy the parent's gates, norm and linear map where the new task has the parent's classes.

    Of a parent that answers by a sum of heads, those of the last one.
    """
    if not plan.init_head_from_parent or plan.parent_task is None:
        return
    parent = plan.parent_manifest.task(plan.parent_task)
    parent_head, _ = list_terms(network.head(parent.name))[-1]
    lineage = parent.lineage[-1:] if plan.init is BranchInit.WARM_START else plan.lineage
    wanted = (Feature(network.get_stem_id(lineage), is_stem=True), *map(Feature, lineage))
    known = dict(zip(network.list_features(parent.lineage), parent_head.gates, strict=True))
    with torch.no_grad():
        head.norm.load_state_dict(parent_head.norm.state_dict())
        head.linear.load_state_dict(parent_head.linear.state_dict())
        for index, feature in enumerate(wanted):
            if feature in known:
                head.gates[index] = known[feature]


def _zero_init_head(head: Head) -> None:
    """Make the head's logits zero: added to a frozen answer they change nothing, to the last bit."""
    nn.init.zeros_(head.linear.weight)
    nn.init.zeros_(head.linear.bias)


def _copy_head(source: Head, target: Head) -> None:
    """Copy norm, linear map, and the gates that both heads have."""
    shared = min(len(source.gates), len(target.gates))
    with torch.no_grad():
        target.gates[:shared] = source.gates[:shared]
    target.norm.load_state_dict(source.norm.state_dict())
    target.linear.load_state_dict(source.linear.state_dict())
