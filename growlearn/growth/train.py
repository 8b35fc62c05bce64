"""The plain training loop: a plan in, stored weights and a result out.

rows -> stem -> z [N, T, D] (cached where the stem is frozen, else trained)
     -> pooled features of the parents [N, 1 + P, D] (frozen and cached)
     -> new branches -> pooled residuals [B, n, D] -> gated prefixes -> logits [n, B, C] -> loss
"""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's own abbreviation

from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import GrowthPlan, GrowthResult, PrefixPoint
from growlearn.domain.lineage import BranchWeights, RouterWeights
from growlearn.domain.schema import Label
from growlearn.growth import checkpoint
from growlearn.growth.checkpoint import Course
from growlearn.growth.circumstances import circumstances_here
from growlearn.growth.course import Tuition, begun, optimizer_of, run_course, step
from growlearn.growth.frozen import frozen_features
from growlearn.growth.model import weights
from growlearn.growth.model.network import BATCH_ROWS, GrowingNetwork, load_network
from growlearn.growth.newborn import Newborn, conceive, first_of
from growlearn.growth.readout import MOST_ROWS, fit_readout
from growlearn.growth.router.router import grow_router
from growlearn.growth.schedule import Pace, pace
from growlearn.ingest.rows import Column, Rows, from_parquet
from growlearn.ports import Artifacts, Report

_TIMED_BATCHES = 4


@dataclass(frozen=True)
class Feed:
    """Rows as training sees them: `tokens` gives z [B, T, D] and parents' features [B, 1 + P, D]."""

    tokens: Callable[[Tensor], tuple[Tensor, Tensor]]
    targets: Tensor  # class indices [N]

    def __len__(self) -> int:
        return len(self.targets)


def grow(plan: GrowthPlan, artifacts: Artifacts, scratch: Path, report: Report) -> GrowthResult:
    """Train what the plan says; an interrupted call with the same plan goes on where it stopped.

    `scratch` is a folder of this plan's own, for its checkpoint.
    """
    path = scratch / "checkpoint.safetensors"

    def train(newborn: Newborn, feed: Feed, validation: Feed) -> Course:
        tuition = _tuition(plan, newborn, feed, validation)
        return run_course(newborn.trainable(), plan.growth, path, tuition, report)

    return _grown(plan, artifacts, train)


def bear(plan: GrowthPlan, artifacts: Artifacts) -> GrowthResult:
    """What the plan says before its first epoch: everything but the head stays as it was born.

    It answers the new task as well as what it is born with allows, and costs a fraction of training.
    """

    def wait(newborn: Newborn, feed: Feed, validation: Feed) -> Course:
        return begun(newborn.trainable(), _tuition(plan, newborn, feed, validation))

    return _grown(plan, artifacts, wait)


def seconds_a_row(plan: GrowthPlan, artifacts: Artifacts) -> float:
    """Seconds that one row costs in one epoch of a plan, on this machine: a few batches, timed.

    Counts the steps of training alone, not what is computed once.
    """
    rows = from_parquet(artifacts.get(plan.train), plan.base.schema)
    rows = rows.take(np.arange(min(len(rows), _TIMED_BATCHES * plan.growth.batch_size)))
    network = load_network(plan.base, artifacts.get)
    newborn = conceive(plan, network, rows)
    feed, now = _feed(plan, network, newborn, rows), pace(plan.growth, math.inf, ())
    optimizer = optimizer_of(newborn.trainable(), plan.growth)
    _train_epoch(newborn, feed, plan, optimizer, 1, now)  # the first steps are slower than all others
    started = time.perf_counter()
    _train_epoch(newborn, feed, plan, optimizer, 1, now)
    return (time.perf_counter() - started) / len(feed)


def _grown(
    plan: GrowthPlan, artifacts: Artifacts, train_on: Callable[[Newborn, Feed, Feed], Course]
) -> GrowthResult:
    started = time.perf_counter()
    schema = plan.base.schema
    network = load_network(plan.base, artifacts.get)
    frozen = _fingerprint(network)
    train_rows = from_parquet(artifacts.get(plan.train), schema)
    validation_rows = from_parquet(artifacts.get(plan.validation), schema)
    newborn = conceive(plan, network, train_rows)
    train = _feed(plan, network, newborn, train_rows)
    validation = _feed(plan, network, newborn, validation_rows)
    birth_head = artifacts.put(weights.dump(newborn.birth_head.state_dict()))
    birth_branches = () if newborn.stem is None else _store(plan, newborn, artifacts)
    course = train_on(newborn, train, validation)
    if _fingerprint(network) != frozen:
        raise GrowLearnError("training changed frozen weights", cure="this is a defect: please report it")
    checkpoint.restore(newborn.trainable(), course.best)
    curve = validate(newborn, validation, 1 + len(plan.lineage) + len(plan.new_branches))
    new = curve.last(newborn.prefixes)
    if newborn.branches:
        newborn = first_of(newborn, smallest(new.accuracies, plan.max_accuracy_loss))
    return GrowthResult(
        branches=_store(plan, newborn, artifacts),
        branch_parameters=tuple(_parameters(newborn, i) for i in range(len(newborn.branches))),
        head=artifacts.put(weights.dump(newborn.head.state_dict())),
        birth_head=birth_head,
        lineage=(*plan.lineage, *plan.new_branches[: len(newborn.branches)]),
        epochs=course.epochs,
        best_epoch=course.best_epoch,
        birth_loss=course.birth_loss,
        best_loss=course.best_loss,
        router=_router(plan, network, newborn, (train_rows, validation_rows), artifacts)
        if plan.route
        else None,
        prefix_losses=new.losses,
        prefix_accuracies=new.accuracies,
        train_rows=len(train),
        validation_rows=len(validation),
        seconds=time.perf_counter() - started,
        peak_memory_bytes=peak_memory_bytes(),
        threads=torch.get_num_threads(),
        seed=plan.seed,
        birth_branches=birth_branches,
        approximation=_points(plan, curve),
        circumstances=circumstances_here(),
        head_parameters=0 if newborn.branches else _size(newborn.head),
    )


def _fingerprint(network: GrowingNetwork) -> list[bytes]:
    """Every frozen weight and buffer of a network, as hashes."""
    return [sha256(network.branch_weights(name)).digest() for name in network.branches]


def peak_memory_bytes() -> int:
    """The most memory this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


def _tuition(plan: GrowthPlan, newborn: Newborn, train: Feed, validation: Feed) -> Tuition:
    def begin() -> None:
        start_head(newborn, train, plan.seed)

    def figures() -> tuple[float, float]:
        curve = validate(newborn, validation, 1)
        return curve.losses[-1], curve.accuracies[-1]

    return Tuition(begin, partial(_train_epoch, newborn, train, plan), figures)


def start_head(newborn: Newborn, train: Feed, seed: int) -> None:
    """Fit the head to the features at birth of some training rows."""
    some = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))[:MOST_ROWS]
    with torch.no_grad():
        parts = [features_of(newborn, *train.tokens(index)) for index in torch.split(some, BATCH_ROWS)]
    fit_readout(newborn.head, torch.cat(parts), train.targets[some])


def _train_epoch(
    newborn: Newborn, train: Feed, plan: GrowthPlan, optimizer: torch.optim.Optimizer, epoch: int, now: Pace
) -> float:
    """One pass in an order that depends on seed and epoch alone; the mean loss."""
    spec, total = plan.growth, 0.0
    steps = math.ceil(len(train) / spec.batch_size)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(plan.seed * 1009 + epoch))
    for done, index in enumerate(torch.split(order, spec.batch_size)):
        logits = _answer(newborn, train, index, newborn.prefixes)  # [n, B, C]
        loss = prefix_losses(logits, train.targets[index]).mean()
        step(optimizer, loss, now.rate(epoch - 1 + done / steps))
        total += loss.item() * len(index)
    return total / len(train)


def _answer(newborn: Newborn, feed: Feed, index: Tensor, prefixes: int) -> Tensor:
    """Rows by index [B] -> logits [prefixes, B, C] of the last prefixes, the whole last."""
    return newborn.head.prefixes(features_of(newborn, *feed.tokens(index)), prefixes)


def features_of(newborn: Newborn, z: Tensor, pooled: Tensor) -> Tensor:
    """Tokens [B, T, D], parents' features [B, 1 + P, D] -> with those of new branches [B, 1 + P + n, D]."""
    return torch.cat([pooled, *(branch.pooled(z)[:, None] for branch in newborn.branches)], dim=1)


def prefix_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of every prefix: logits [n, B, C], targets [B] -> [n]."""
    return torch.stack([F.cross_entropy(prefix, targets) for prefix in logits])


@dataclass(frozen=True)
class Curve:
    """Loss and accuracy on validation rows of the last prefixes, the whole last."""

    losses: tuple[float, ...]
    accuracies: tuple[float, ...]

    def last(self, prefixes: int) -> Curve:
        """The end of the curve."""
        return Curve(self.losses[-prefixes:], self.accuracies[-prefixes:])


def _points(plan: GrowthPlan, curve: Curve) -> tuple[PrefixPoint, ...]:
    """A curve of every prefix, the bare stem first, by the branch that each ends in."""
    names = (None, *plan.lineage, *plan.new_branches)
    return tuple(
        PrefixPoint(branch=name, loss=loss, accuracy=accuracy)
        for name, loss, accuracy in zip(names, curve.losses, curve.accuracies, strict=True)
    )


def validate(newborn: Newborn, feed: Feed, prefixes: int) -> Curve:
    """Loss and accuracy of the last prefixes on the rows of a feed."""
    losses = torch.zeros(prefixes, dtype=torch.float64)  # [prefixes]
    right = torch.zeros(prefixes, dtype=torch.int64)
    with torch.no_grad():
        for index in torch.split(torch.arange(len(feed)), BATCH_ROWS):
            logits, targets = _answer(newborn, feed, index, prefixes), feed.targets[index]  # [.., B, C], [B]
            losses += prefix_losses(logits, targets).double() * len(index)
            right += (logits.argmax(2) == targets).sum(1)
    return Curve(
        tuple(float(loss) / len(feed) for loss in losses), tuple(int(count) / len(feed) for count in right)
    )


def smallest(accuracies: Sequence[float], max_loss: float | None) -> int:
    """How many of the new branches are enough: the fewest whose accuracy is within max_loss of all.

    >>> smallest((0.80, 0.84, 0.845), 0.01), smallest((0.80, 0.84, 0.845), None)
    (2, 3)
    """
    if max_loss is None:
        return len(accuracies)
    return 1 + next(at for at, share in enumerate(accuracies) if share >= accuracies[-1] - max_loss)


def _feed(plan: GrowthPlan, network: GrowingNetwork, newborn: Newborn, rows: Rows) -> Feed:
    targets = class_indices(rows.labels, plan.classes)
    frozen = frozen_features(network, rows, plan.lineage, with_tokens=newborn.stem is None)
    stem, inputs = newborn.stem, {} if newborn.stem is None else newborn.stem.encode(rows)

    def tokens(index: Tensor) -> tuple[Tensor, Tensor]:
        if stem is None:
            assert frozen.z is not None
            z = frozen.z[index]  # [B, T, D]
        else:
            z = stem({name: column[index] for name, column in inputs.items()})
        return z, torch.cat([z.mean(1, keepdim=True), frozen.residuals[index]], dim=1)

    return Feed(tokens, targets)


def class_indices(labels: Column, classes: tuple[Label, ...]) -> Tensor:
    """Labels [N] -> their places in `classes`, int64 [N]."""
    place = {label: i for i, label in enumerate(classes)}
    return torch.tensor([place[label] for label in labels], dtype=torch.int64)


def _router(
    plan: GrowthPlan,
    network: GrowingNetwork,
    newborn: Newborn,
    parts: tuple[Rows, Rows],
    artifacts: Artifacts,
) -> RouterWeights:
    """The base's router with one more task; the first growth fixes its features."""
    root = network.root_stem if network.stems else newborn.stem
    assert root is not None, "a stream's first branches bring a stem"
    root.requires_grad_(False)
    return grow_router(
        plan.base, root, plan.task, plan.classes, parts, artifacts.get, artifacts.put, plan.seed
    )


def _store(plan: GrowthPlan, newborn: Newborn, artifacts: Artifacts) -> tuple[BranchWeights, ...]:
    """Store each new branch once, the first one together with its stem where it brings one."""
    if not newborn.branches:
        return ()
    stem_of = {entry.id: entry.stem for entry in plan.base.branches}
    stem = plan.new_branches[0]
    if newborn.stem is None:
        stem = stem_of[plan.lineage[-1]] if plan.lineage else plan.base.branches[0].stem
    network = GrowingNetwork(plan.base.model)
    entries: list[BranchWeights] = []
    parent = None if plan.parent is None else plan.base.task(plan.parent).lineage[-1]
    for i, (name, branch) in enumerate(zip(plan.new_branches, newborn.branches, strict=False)):
        network.add_branch(name, branch, stem, newborn.stem if i == 0 else None)
        sha256 = artifacts.put(network.branch_weights(name))
        entries.append(BranchWeights(id=name, parent=parent, stem=stem, sha256=sha256))
        parent = name
    return tuple(entries)


def _parameters(newborn: Newborn, at: int) -> int:
    """Parameters of one new branch, with its stem if it brings one; the last also counts the head."""
    modules: list[torch.nn.Module] = [newborn.branches[at]]
    if at == 0 and newborn.stem is not None:
        modules.append(newborn.stem)
    if at == len(newborn.branches) - 1:
        modules.append(newborn.head)
    return sum(map(_size, modules))


def _size(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
