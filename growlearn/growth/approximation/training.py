"""One training loop for every form and scheme, and the loss and accuracy of every prefix."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from growlearn.domain.job import GrowthSpec
from growlearn.growth.approximation.forms import Approximation
from growlearn.growth.approximation.schemes import Scheme
from growlearn.growth.course import optimizer_of
from growlearn.growth.model.network import BATCH_ROWS
from growlearn.growth.schedule import Pace
from growlearn.growth.stems.columns import Inputs
from growlearn.growth.train import prefix_losses


@dataclass
class Trainer:
    """A model in training by a scheme; `branch` is the one that alone learns, where a scheme says so."""

    model: Approximation
    scheme: Scheme
    spec: GrowthSpec
    optimizer: torch.optim.Optimizer = field(init=False)
    branch: int | None = None

    def __post_init__(self) -> None:
        self.optimizer = optimizer_of([self.model], self.spec)

    def on(self, inputs: Inputs, targets: Tensor, at: int, done: float) -> None:
        """Every step of pass `at` (from 0) on one batch, after a share `done` (0 to 1) of training."""
        branches = len(self.model.branches)
        pace = Pace(self.spec, self.spec.epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = pace.rate(self.spec.epochs * (done * self.scheme.cycles(branches) % 1))
        for step in self.scheme.passes[at](branches, done):
            if step.branch is not None and step.branch != self.branch:
                self.branch = step.branch
                self.model.begin(step.branch)
            logits = self.model.prefix_logits(inputs, step.first, step.last)  # [n, B, C]
            loss = self.scheme.reduce(prefix_losses(logits, targets))
            self.optimizer.zero_grad(set_to_none=True)  # weights that a step does not reach stay as they are
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()


def train(
    trainer: Trainer, inputs: Inputs, targets: Tensor, epochs: float, done: float = 0.0
) -> Iterator[float]:
    """Train for `epochs` (parts of one included) at the scheme's cycles of the rate; yields the share done.

    Yields after every epoch and at the end; a trainer kept then goes on from the share `done`. An epoch is
    all the passes of a scheme over the N rows, each in an order that spec.seed, epoch and pass decide.
    spec.epochs is not read as a length.
    """
    spec, passes = trainer.spec, len(trainer.scheme.passes)
    batches = math.ceil(len(targets) / spec.batch_size)
    total = max(round(epochs * passes * batches), 1)
    for visit in range(round(done * total), total):
        turn, batch = divmod(visit, batches)
        if batch == 0:
            order = torch.randperm(len(targets), generator=_generator(spec.seed, turn))
        rows = order[batch * spec.batch_size : (batch + 1) * spec.batch_size]
        part = {name: column[rows] for name, column in inputs.items()}
        trainer.on(part, targets[rows], turn % passes, visit / total)
        if (visit + 1) % (passes * batches) == 0 or visit + 1 == total:
            yield (visit + 1) / total


def _generator(seed: int, turn: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed * 1009 + turn)


@dataclass(frozen=True)
class PrefixFigures:
    """Mean cross-entropy (nats) and accuracy of every prefix on some rows, one branch first."""

    losses: tuple[float, ...]
    accuracies: tuple[float, ...]


def figures(model: Approximation, inputs: Inputs, targets: Tensor) -> PrefixFigures:
    """What every prefix makes of N rows."""
    losses = torch.zeros(len(model.branches), dtype=torch.float64)  # [K]
    right = torch.zeros(len(model.branches), dtype=torch.int64)
    with torch.no_grad():
        for rows in torch.split(torch.arange(len(targets)), BATCH_ROWS):
            logits = model.prefix_logits({name: column[rows] for name, column in inputs.items()})  # [K, B, C]
            losses += len(rows) * prefix_losses(logits, targets[rows]).double()
            right += (logits.argmax(2) == targets[rows]).sum(1)
    count = len(targets)
    return PrefixFigures(tuple((losses / count).tolist()), tuple((right / count).tolist()))
