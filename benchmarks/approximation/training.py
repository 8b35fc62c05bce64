"""One training loop for every form and scheme, and the loss and accuracy of every prefix."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from growlearn.domain.growth_config import GrowthConfig
from growlearn.growth.lr_schedule import LrSchedule
from growlearn.growth.prefix_evaluation import prefix_losses
from growlearn.growth.training_loop import make_optimizer
from growlearn.network.model.network import INFERENCE_BATCH_SIZE
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.stems.stem import training_mode

from .forms import Approximation
from .schemes import Scheme


@dataclass
class Trainer:
    """A model trained by a scheme; `branch` is the only one trained now, where the scheme says so."""

    model: Approximation
    scheme: Scheme
    config: GrowthConfig
    optimizer: torch.optim.Optimizer = field(init=False)
    branch: int | None = None

    def __post_init__(self) -> None:
        self.optimizer = make_optimizer([self.model], self.config)

    def train_batch(self, inputs: EncodedInputs, targets: Tensor, pass_index: int, progress: float) -> None:
        """Every step of pass `pass_index` (from 0) on one batch; `progress` (0 to 1) is the fraction done."""
        branches = len(self.model.branches)
        lr_schedule = LrSchedule(self.config, self.config.max_epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = lr_schedule.learning_rate_at(
                self.config.max_epochs * (progress * self.scheme.cycles(branches) % 1)
            )
        for step in self.scheme.passes[pass_index](branches, progress):
            if step.branch is not None and step.branch != self.branch:
                self.branch = step.branch
                self.model.freeze_before(step.branch)
            with training_mode(self.model.stem):
                logits = self.model.prefix_logits(inputs, step.first, step.last)  # [n, B, C]
            loss = self.scheme.reduce(prefix_losses(logits, targets))
            self.optimizer.zero_grad(set_to_none=True)  # weights without a gradient do not change
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()


def train_with_scheme(
    trainer: Trainer, inputs: EncodedInputs, targets: Tensor, epochs: float, progress: float = 0.0
) -> Iterator[float]:
    """Train for `epochs`, which need not be whole; yields the fraction done after every epoch and at the end.

    A trainer that was stored then resumes from the fraction `progress`. An epoch is all passes of the scheme
    over the N rows, each in an order fixed by config.seed, epoch and pass. config.epochs is not used.
    """
    config, passes = trainer.config, len(trainer.scheme.passes)
    batch_size, _ = config.batching(0)
    batches = math.ceil(len(targets) / batch_size)
    total = max(round(epochs * passes * batches), 1)
    for step_index in range(round(progress * total), total):
        pass_number, batch = divmod(step_index, batches)
        if batch == 0:
            order = torch.randperm(len(targets), generator=_make_generator(config.seed, pass_number))
        rows = order[batch * batch_size : (batch + 1) * batch_size]
        part = {name: column[rows] for name, column in inputs.items()}
        trainer.train_batch(part, targets[rows], pass_number % passes, step_index / total)
        if (step_index + 1) % (passes * batches) == 0 or step_index + 1 == total:
            yield (step_index + 1) / total


def _make_generator(seed: int, pass_number: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed * 1009 + pass_number)


@dataclass(frozen=True)
class PrefixScores:
    """Mean cross-entropy (nats) and accuracy of every prefix on some rows, one branch first."""

    losses: tuple[float, ...]
    accuracies: tuple[float, ...]


def score_prefixes(model: Approximation, inputs: EncodedInputs, targets: Tensor) -> PrefixScores:
    """Loss and accuracy of every prefix on N rows."""
    losses = torch.zeros(len(model.branches), dtype=torch.float64)  # [K]
    correct = torch.zeros(len(model.branches), dtype=torch.int64)
    with torch.no_grad():
        for rows in torch.split(torch.arange(len(targets)), INFERENCE_BATCH_SIZE):
            logits = model.prefix_logits({name: column[rows] for name, column in inputs.items()})  # [K, B, C]
            losses += len(rows) * prefix_losses(logits, targets[rows]).double()
            correct += (logits.argmax(2) == targets[rows]).sum(1)
    count = len(targets)
    return PrefixScores(tuple((losses / count).tolist()), tuple((correct / count).tolist()))
