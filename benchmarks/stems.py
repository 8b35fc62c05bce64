"""Image stems compared: Split Fashion-MNIST with task id, all rows, by seed, on the test rows."""

from __future__ import annotations

import argparse
import statistics
import time

import fashion_mnist
import numpy as np
import torch
from growing import Garden, rows_of
from hardware import hardware

from growlearn.domain.job import GrowthSpec, ModelSpec


def main() -> None:
    """Grow the five tasks with each stem and seed; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train, test = fashion_mnist.load("train"), fashion_mnist.load("t10k")
    table: dict[str, list[tuple[float, float]]] = {}
    for seed in range(options.seeds):
        for stem in ("conv", "patches"):
            garden = Garden(ModelSpec(stem=stem), GrowthSpec(epochs=options.epochs, seed=seed))  # type: ignore[arg-type]
            started, accuracies = time.perf_counter(), []
            for low in range(0, 10, 2):
                garden.grow(str(low), rows_of(*(part[train[1] // 2 == low // 2] for part in train)))
            seconds = time.perf_counter() - started
            for low in range(0, 10, 2):
                rows = rows_of(*(part[test[1] // 2 == low // 2] for part in test))
                accuracies.append(garden.accuracy(str(low), rows))
            table.setdefault(stem, []).append((float(np.mean(accuracies)), seconds))
            told = " ".join(f"{a:.2%}" for a in accuracies)
            print(f"seed {seed} {stem}: {np.mean(accuracies):.2%} ({told}) in {seconds:.0f} s", flush=True)
    print("\n| stem | mean accuracy | by seed | median s |\n| --- | --- | --- | --- |")
    for stem, runs in table.items():
        by_seed = ", ".join(f"{accuracy:.2%}" for accuracy, _ in runs)
        mean = statistics.fmean(accuracy for accuracy, _ in runs)
        print(f"| {stem} | {mean:.2%} | {by_seed} | {statistics.median(s for _, s in runs):.0f} |")
    print(f"\n{options.epochs} epochs, 60,000 rows, {options.threads} threads; {hardware()}")


if __name__ == "__main__":
    main()
