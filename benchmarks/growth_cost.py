"""What the n-th growth costs: eight growths on equal data, each window timed from plan to stored branch."""

from __future__ import annotations

import argparse
import statistics
import time

import fashion_mnist
import torch
from growing import Garden, rows_of
from results import publish

from growlearn.domain.job import GrowthSpec, ModelSpec


def main() -> None:
    """Grow eight domains of the same rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--growths", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(2)
    images, labels = fashion_mnist.load("train")
    images, labels = images[: options.rows], labels[: options.rows]
    times: list[list[float]] = []
    for repeat in range(options.repeats):
        garden = Garden(ModelSpec(), GrowthSpec(epochs=2, patience=9, seed=repeat))
        row = []
        for n in range(options.growths):
            # Equal data but for one pixel's shift, so that no two windows are the same rows.
            rows = rows_of(images.copy(), labels)
            rows.inputs["image"][:, 0, 0, n] ^= 1
            started = time.perf_counter()
            garden.grow(f"task-{n + 1}", rows)
            row.append(time.perf_counter() - started)
        times.append(row)
        print(f"repeat {repeat + 1}: " + "  ".join(f"{s:.2f}" for s in row), flush=True)
    median = [statistics.median(column) for column in zip(*times, strict=True)]
    ratios = [statistics.median(row[n] / row[1] for row in times) for n in range(options.growths)]
    table = ["| growth | median s | of the 2nd |", "| --- | --- | --- |"]
    table += [
        f"| {n} | {s:.2f} | {ratio:.2f} |" for n, (s, ratio) in enumerate(zip(median, ratios, strict=True), 1)
    ]
    publish(
        "growth_cost",
        "Time of the n-th growth on equal data",
        table,
        f"{options.rows} rows, 2 epochs, 2 threads, median of {options.repeats} runs, "
        "each growth from plan to stored branch",
    )


if __name__ == "__main__":
    main()
