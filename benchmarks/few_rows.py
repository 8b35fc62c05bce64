"""200 rows of each domain of Fashion-MNIST after a full first one: grown against trained from nothing.

Both sides have the same rows, epochs and size of branch; their learning rates are chosen by validation loss
over all domains of the first seed. The data set's own test rows only report.
"""

from __future__ import annotations

import argparse
import copy
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from branch_growth import GrowingModel
from domains import DOMAINS, line, tested, windows
from results import publish

from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.ingest.rows import Rows

RATES = (5e-4, 1e-3, 2e-3, 4e-3)
FEW = GrowthConfig(epochs=40, batch_size=32, validation_fraction=0.2, patience=40)
FULL = GrowthConfig(epochs=4)
LATER = tuple(DOMAINS)[1:]


@dataclass(frozen=True)
class Outcome:
    """Test accuracy of each later domain, and the mean loss on their validation rows."""

    test: tuple[float, ...]
    loss: float


def main() -> None:
    """Choose the rates, run every seed, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=10_000, help="rows of the first domain")
    parser.add_argument("--rows", type=int, default=200, help="rows of each later domain")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    alone: list[Outcome] = []
    grown: list[Outcome] = []
    rates: dict[str, float] = {}
    for seed in range(options.seeds):
        full = windows(options.first)
        domains = {name: next(full[name].slices(options.rows)) for name in LATER}
        rich, bare = model(seed), model(seed)
        rich.grow("as is", full["as is"])
        for name, side, runs in (("alone", bare, alone), ("grown", rich, grown)):
            tried = {rate: grow(side, domains, seed, rate) for rate in rate_choice(rates, name)}
            rates[name] = min(tried, key=lambda rate: tried[rate].loss)
            runs.append(tried[rates[name]])
            print(seed, name, tried, flush=True)
    lines = [
        "| test accuracy | from nothing | grown | difference | by seed |",
        "| --- | --- | --- | --- | --- |",
    ]
    for at, name in enumerate(LATER):
        lines.append(line(name, [run.test[at] for run in alone], [run.test[at] for run in grown]))
    lines.append(line("mean", *([statistics.fmean(run.test) for run in side] for side in (alone, grown))))
    publish(
        "few_rows",
        f"{options.rows} rows a domain of Fashion-MNIST after a full first one: grown against from nothing",
        lines,
        f"{options.first} rows and {FULL.max_epochs} epochs as is first; then {FEW.max_epochs} epochs, "
        f"batch {FEW.batch_size}, {options.seeds} seeds, {options.threads} threads, 10,000 test rows a "
        f"domain; rate by validation rows: from nothing {rates['alone']}, grown {rates['grown']}; "
        "growth.init auto",
    )


def rate_choice(rates: dict[str, float], side: str) -> Sequence[float]:
    """Every rate for the first seed, the one found best for the others."""
    return [rates[side]] if side in rates else RATES


def model(seed: int) -> GrowingModel:
    """A stream that has not learned anything."""
    return GrowingModel(ModelConfig(), replace(FULL, seed=seed))


def grow(start: GrowingModel, domains: dict[str, Rows], seed: int, rate: float) -> Outcome:
    """Each domain in turn from a copy of the start: grown on it, or alone where it has learned nothing."""
    grown, test, losses = copy.deepcopy(start), [], []
    grown.job = replace(grown.job, growth=replace(FEW, seed=seed, learning_rate=rate))
    for name, rows in domains.items():
        if not start.manifest.branches:
            grown.manifest = start.manifest
        losses.append(grown.grow(name, rows).best_loss)
        test.append(grown.accuracy(name, tested(name)))
    return Outcome(tuple(test), statistics.fmean(losses))


if __name__ == "__main__":
    main()
