"""Sixteen branches distilled into four: what each of sixteen tasks loses, by seed.

Sixteen windows, each with rows of its own: four groups of classes that are hard to tell apart or easy, each
as is, rotated by 90 degrees, inverted, and with permuted pixels. The test rows only report.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import fashion_mnist
import numpy as np
import torch
from growing import Garden, rows_of
from results import publish

from growlearn.domain.consolidation import ConsolidationPlan, Lesson
from growlearn.domain.job import ConsolidationSpec, GrowthSpec, ModelSpec
from growlearn.growth.consolidation import consolidate
from growlearn.ingest.rows import Rows

GROUPS = ((0, 6), (2, 4), (1, 3, 8), (5, 7, 9))
DOMAINS = ("as is", "rotated", "inverted", "permuted")


@dataclass(frozen=True)
class Outcome:
    """Accuracy by task on test rows before and after, parameters, and seconds of each side."""

    before: dict[str, float]
    after: dict[str, float]
    parameters: tuple[int, int]
    seconds: tuple[float, float]

    def losses(self) -> dict[str, float]:
        """What each task lost, in points."""
        return {task: 100 * (self.before[task] - self.after[task]) for task in self.before}


def main() -> None:
    """Grow and consolidate with each seed; print and keep the table."""
    spec = ConsolidationSpec()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1200, help="of each task")
    parser.add_argument("--growth-epochs", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=spec.epochs, help="of the consolidation")
    parser.add_argument("--branches", type=int, default=spec.branches, help="that are left")
    options = parser.parse_args()
    torch.set_num_threads(2)
    outcomes: list[Outcome] = []
    for seed in range(options.seeds):
        outcome = measure(seed, options)
        outcomes.append(outcome)
        print(f"seed {seed}: worst {max(outcome.losses().values()):+.2f}, {outcome.seconds}", flush=True)
    left = len(GROUPS) * len(DOMAINS)
    publish(
        "consolidation",
        f"{left} branches distilled into {options.branches}",
        table(outcomes),
        f"{options.rows} rows a task, growth {options.growth_epochs} epochs, consolidation {options.epochs}, "
        f"width {ModelSpec().width}, all training rows kept, {options.seeds} seeds, 2 threads",
    )


def table(outcomes: list[Outcome]) -> list[str]:
    """A row a task, means over seeds, and the whole below."""
    lines = [
        "| task | 16 branches | consolidated | lost, mean | lost, by seed |",
        "| --- | --- | --- | --- | --- |",
    ]
    for task in outcomes[0].before:
        lost = [outcome.losses()[task] for outcome in outcomes]
        before = statistics.fmean(outcome.before[task] for outcome in outcomes)
        after = statistics.fmean(outcome.after[task] for outcome in outcomes)
        by_seed = ", ".join(f"{points:+.2f}" for points in lost)
        lines.append(f"| {task} | {before:.2%} | {after:.2%} | {statistics.fmean(lost):+.2f} | {by_seed} |")
    before = statistics.fmean(share for outcome in outcomes for share in outcome.before.values())
    after = statistics.fmean(share for outcome in outcomes for share in outcome.after.values())
    lines.append(f"| mean | {before:.2%} | {after:.2%} | {100 * (before - after):+.2f} | |")
    worst = [max(outcome.losses().values()) for outcome in outcomes]
    lines.append(f"| worst task | | | | {', '.join(f'{points:+.2f}' for points in worst)} |")
    grown, left = outcomes[0].parameters
    lines.append(f"| parameters | {grown:,} | {left:,} | | |")
    seconds = [statistics.median(outcome.seconds[side] for outcome in outcomes) for side in (0, 1)]
    lines.append(f"| training, s | {seconds[0]:.0f} | {seconds[1]:.0f} | | |")
    return lines


def measure(seed: int, options: argparse.Namespace) -> Outcome:
    """Grow the sixteen tasks, consolidate, and ask both models for every task's test rows."""
    garden = Garden(ModelSpec(), GrowthSpec(epochs=options.growth_epochs, seed=seed))
    train, test = (
        tasks(fashion_mnist.load("train"), options.rows, seed),
        tasks(fashion_mnist.load("t10k"), None, seed),
    )
    started = time.perf_counter()
    for task, rows in train.items():
        garden.grow(task, rows)
    grown_s = time.perf_counter() - started
    before = {task: garden.accuracy(task, rows) for task, rows in test.items()}
    size = parameters(garden)
    plan = ConsolidationPlan(
        stream="garden",
        window="w17",
        base=garden.manifest,
        base_version=16,
        lessons=tuple(
            Lesson(task=grown.task, train=grown.train, validation=grown.validation, holdout=grown.holdout)
            for grown in garden.plans
        ),
        new_branches=tuple(f"b{17 + i}" for i in range(options.branches)),
        growth=replace(garden.job.growth, epochs=options.epochs),
        max_accuracy_loss=ConsolidationSpec().max_accuracy_loss,
        seed=seed,
    )
    with tempfile.TemporaryDirectory() as scratch:
        result = consolidate(plan, garden.artifacts, Path(scratch), lambda _: None)
    garden.manifest = result.manifest_of(plan)
    after = {task: garden.accuracy(task, rows) for task, rows in test.items()}
    return Outcome(before, after, (size, parameters(garden)), (grown_s, result.seconds))


def parameters(garden: Garden) -> int:
    """How many the whole model has."""
    return sum(parameter.numel() for parameter in garden.load(garden.manifest).parameters())


def tasks(
    part: tuple[fashion_mnist.Array, fashion_mnist.Array], rows: int | None, seed: int
) -> dict[str, Rows]:
    """Rows by task, domain after domain; where `rows` is given, so many for each, none used twice."""
    images, labels = part
    made = {}
    for place, domain in enumerate(DOMAINS):
        for group in GROUPS:
            own = np.random.default_rng(seed).permutation(np.flatnonzero(np.isin(labels, group)))
            mine = own if rows is None else own[place * rows : (place + 1) * rows]
            name = f"{domain} {'/'.join(map(str, group))}"
            made[name] = rows_of(seen(domain, images[mine]), labels[mine])
    return made


def seen(domain: str, images: fashion_mnist.Array) -> fashion_mnist.Array:
    """Images [N, 28, 28] as a domain shows them."""
    if domain == "rotated":
        return np.ascontiguousarray(np.rot90(images, axes=(1, 2)))
    if domain == "inverted":
        return 255 - images
    if domain == "permuted":
        order = np.random.default_rng(0).permutation(images[0].size)
        return images.reshape(len(images), -1)[:, order].reshape(images.shape)
    return images


if __name__ == "__main__":
    main()
