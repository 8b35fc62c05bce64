"""Parallel branches and their rivals on Fashion-MNIST: the sides, a training of one, its time a batch."""

from __future__ import annotations

import copy
import statistics
import time
from dataclasses import asdict, dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

import fashion_mnist
import numpy as np
import torch
from approximation.forms import Approximation
from approximation.schemes import SCHEMES
from approximation.training import PrefixScores, Trainer, score_prefixes, train_with_scheme
from branch_growth import SCHEMA, make_rows
from torch import Tensor

from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.network.stems.columns import EncodedInputs
from growlearn.network.stems.stem import make_stem

CLASSES = 10
VALIDATION_ROWS = 2000  # the last of the training rows: they choose rates and epochs
RATES = (1e-3, 2e-3, 4e-3)  # the same grid for every side


@dataclass(frozen=True)
class Side:
    """A network and how it is trained."""

    branches: int
    depth: int
    form: str
    scheme: str
    stem: Literal["conv", "patches"] = "patches"

    @property
    def spec(self) -> ModelConfig:
        """The network's shape; a ViT is one branch of all layers."""
        return ModelConfig(depth=self.depth, stem=self.stem)


VIT = "ViT, depth 8"
PAPERS = "4 x 2, the paper's form, stepwise"
OURS = "8 x 1, averaged prefix loss"
SIDES: dict[str, Side] = {
    VIT: Side(1, 8, "whole", "joint"),
    OURS: Side(8, 1, "residual", "averaged"),
    "8 x 1, joint": Side(8, 1, "residual", "joint"),
    "8 x 1, deep supervision": Side(8, 1, "own heads", "supervised"),
    "8 x 1, greedy": Side(8, 1, "own heads", "greedy"),
    "4 x 2, averaged prefix loss": Side(4, 2, "residual", "averaged"),
    PAPERS: Side(4, 2, "whole", "stepwise"),
    "16 x 1, averaged prefix loss": Side(16, 1, "residual", "averaged"),
    f"{VIT}, conv stem": Side(1, 8, "whole", "joint", "conv"),
    f"{OURS}, conv stem": Side(8, 1, "residual", "averaged", "conv"),
}


def vit_of(side: str) -> str:
    """The ViT that a side is compared with: the one on the same stem."""
    return VIT + ", conv stem" * side.endswith(", conv stem")


def as_fast(side: str, times: dict[str, float]) -> bool:
    """Whether a side's time a batch is the ViT's, within 2 %: equal epochs are then equal wall time."""
    return abs(times[side] / times[vit_of(side)] - 1) <= 0.02


@dataclass(frozen=True)
class Run:
    """One training: `epochs` of the first `rows` training rows, parts of an epoch included."""

    side: str
    budget: str  # "epochs", "time" or "choice"
    seed: int
    rows: int
    epochs: float
    rate: float


@dataclass(frozen=True)
class Outcome:
    """What a run came to, by prefix, one branch first; losses on validation rows."""

    run: Run
    validation: tuple[float, ...]
    losses: tuple[float, ...]
    test: tuple[float, ...]
    parameters: int
    seconds: float


@dataclass(frozen=True)
class Part:
    """Encoded rows [N] and their classes."""

    inputs: EncodedInputs
    targets: Tensor

    def first(self, rows: int) -> Part:
        """The first rows."""
        return Part({name: column[:rows] for name, column in self.inputs.items()}, self.targets[:rows])


@cache
def parts(rows: int) -> tuple[Part, Part, Part]:
    """Training rows, validation rows (the last of the first `rows`), and the data set's own test rows."""
    images, labels = fashion_mnist.load("train")
    cut = rows - VALIDATION_ROWS
    tests = fashion_mnist.load("t10k")
    return (
        _part(images[:cut], labels[:cut]),
        _part(images[cut:rows], labels[cut:rows]),
        _part(*tests),
    )


def _part(images: fashion_mnist.Array, labels: fashion_mnist.Array) -> Part:
    stem = make_stem(SCHEMA, ModelConfig(), make_rows(images[:1], labels[:1]))
    return Part(stem.encode(make_rows(images, labels)), torch.from_numpy(labels.astype(np.int64)))


def model_of(side: Side, seed: int, rows: int) -> Approximation:
    """An untrained network of a side, normalised by the training rows."""
    torch.manual_seed(seed)
    blank = fashion_mnist.load("t10k")
    stem = make_stem(SCHEMA, side.spec, make_rows(blank[0][:1], blank[1][:1]))
    stem.fit(parts(rows)[0].inputs)
    model = Approximation(side.form, side.spec, stem, side.branches, CLASSES)
    # All sides alike. A short training (6,000 rows, 2 epochs, rate 0.002, seed 0) brought the ViT to 62.5 %
    # of validation rows, 60.2 % born at random; eight branches to 66.8 and 67.1 %.
    model.zero_init_output()
    return model


@dataclass
class Unfinished:
    """A training as it stood after an epoch, and the best epoch so far."""

    trainer: Trainer
    done: float = 0.0
    seen: PrefixScores | None = None
    state: dict[str, Tensor] | None = None


def perform(run: Run, all_rows: int, folder: Path) -> Outcome:
    """Train and measure; of the epochs the one with the best validation accuracy of the whole counts.

    Kept in `folder` after each epoch, so that one that was cut short goes on there.
    """
    started = time.perf_counter()
    train_part, validation, test = parts(all_rows)
    part = train_part.first(run.rows)
    path = folder / f"unfinished-{sha256(repr(run).encode()).hexdigest()[:16]}"
    now: Unfinished = torch.load(path, weights_only=False) if path.exists() else _begun(run, all_rows)
    model = now.trainer.model
    for done in train_with_scheme(now.trainer, part.inputs, part.targets, run.epochs, now.done):
        seen = score_prefixes(model, validation.inputs, validation.targets)
        if now.seen is None or seen.accuracies[-1] > now.seen.accuracies[-1]:
            now.seen, now.state = seen, copy.deepcopy(model.state_dict())
        now.done = done
        torch.save(now, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)
    best = now.seen
    assert best is not None, "a training has an end"
    assert now.state is not None
    model.load_state_dict(now.state)
    path.unlink(missing_ok=True)
    tested = () if run.budget == "choice" else score_prefixes(model, test.inputs, test.targets).accuracies
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Outcome(run, best.accuracies, best.losses, tested, parameters, time.perf_counter() - started)


def _begun(run: Run, all_rows: int) -> Unfinished:
    spec = replace(GrowthConfig(), learning_rate=run.rate, seed=run.seed)
    side = SIDES[run.side]
    return Unfinished(Trainer(model_of(side, run.seed, all_rows), SCHEMES[side.scheme], spec))


def seconds_a_batch(names: list[str], rows: int, rounds: int) -> dict[str, float]:
    """Median time that each side spends on a batch in all passes of an epoch, sides taking turns.

    A greedy side's is the mean over its branches.
    """
    part = parts(rows)[0].first(GrowthConfig().batching(0)[0])
    stages: list[tuple[str, int, float, Trainer]] = []
    for name in names:
        side, scheme = SIDES[name], SCHEMES[SIDES[name].scheme]
        cycles = scheme.cycles(side.branches)
        for cycle in range(cycles):
            trainer = Trainer(model_of(side, 0, rows), scheme, GrowthConfig())
            stages += [(name, at, (cycle + 0.5) / cycles, trainer) for at in range(len(scheme.passes))]
    times: list[list[float]] = [[] for _ in stages]
    for _ in range(rounds + 1):
        for taken, (_, at, done, trainer) in zip(times, stages, strict=True):
            started = time.perf_counter()
            trainer.train_batch(part.inputs, part.targets, at, done)
            taken.append(time.perf_counter() - started)
    spent = dict.fromkeys(names, 0.0)
    for taken, (name, *_) in zip(times, stages, strict=True):  # the first round warms up
        cycles = SCHEMES[SIDES[name].scheme].cycles(SIDES[name].branches)
        spent[name] += statistics.median(taken[1:]) / cycles
    return spent


def as_json(outcome: Outcome) -> dict[str, object]:
    """An outcome as plain values."""
    return asdict(outcome)


def of_json(values: dict[str, object]) -> Outcome:
    """The outcome of plain values."""
    run = Run(**values.pop("run"))  # type: ignore[arg-type]
    lists = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Outcome(run=run, **lists)  # type: ignore[arg-type]
