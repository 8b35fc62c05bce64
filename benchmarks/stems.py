"""Image stems compared: Split Fashion-MNIST with task id, all rows, by seed.

The stem is chosen on validation rows; the test rows only report.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from typing import Literal

import fashion_mnist
import torch
from branch_growth import GrowingModel, make_rows
from results import publish

from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.model_config import ModelConfig

Stem = Literal["conv", "patches"]

STEMS: tuple[Stem, ...] = ("conv", "patches")


@dataclass(frozen=True)
class Outcome:
    """Five tasks grown: mean accuracy on validation and test rows, and the time it took."""

    validation: float
    test: float
    seconds: float


def main() -> None:
    """Grow the five tasks with each stem and seed; print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    outcomes: dict[Stem, list[Outcome]] = {stem: [] for stem in STEMS}
    for seed in range(options.seeds):
        for stem in STEMS:
            outcome = grow_five(stem, GrowthConfig(epochs=options.epochs, seed=seed))
            outcomes[stem].append(outcome)
            print(f"seed {seed} {stem}: {outcome}", flush=True)
    table = ["| stem | validation | test | test by seed | median s |", "| --- | --- | --- | --- | --- |"]
    for stem, runs in outcomes.items():
        by_seed = ", ".join(f"{run.test:.2%}" for run in runs)
        validation = statistics.fmean(run.validation for run in runs)
        test = statistics.fmean(run.test for run in runs)
        seconds = statistics.median(run.seconds for run in runs)
        table.append(f"| {stem} | {validation:.2%} | {test:.2%} | {by_seed} | {seconds:.0f} |")
    publish(
        "stems",
        "Stems on Split Fashion-MNIST, task id given",
        table,
        f"60,000 rows, {options.epochs} epochs, {options.seeds} seeds, {options.threads} threads, "
        "mean of five tasks",
    )


def grow_five(stem: Stem, growth: GrowthConfig) -> Outcome:
    """Grow the five tasks on the training rows, then ask each on its test rows."""
    train, test = fashion_mnist.load("train"), fashion_mnist.load("t10k")
    model = GrowingModel(ModelConfig(stem=stem), growth)
    started = time.perf_counter()
    results = [
        model.grow(str(low), make_rows(*(part[train[1] // 2 == low // 2] for part in train)))
        for low in range(0, 10, 2)
    ]
    seconds = time.perf_counter() - started
    validation = [result.epochs[result.best_epoch - 1].validation_accuracy for result in results]
    tested = [
        model.accuracy(str(low), make_rows(*(part[test[1] // 2 == low // 2] for part in test)))
        for low in range(0, 10, 2)
    ]
    return Outcome(statistics.fmean(validation), statistics.fmean(tested), seconds)


if __name__ == "__main__":
    main()
