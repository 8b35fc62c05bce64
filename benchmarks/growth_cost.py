"""What the n-th growth costs: sixteen growths on equal data, each timed from plan to stored branch."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import fashion_mnist
import torch
from branch_growth import GrowingModel, make_rows
from results import publish

from growlearn.adapters.files.artifacts import FileArtifacts
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.model_config import ModelConfig


@dataclass(frozen=True)
class Cost:
    """One growth: seconds, and the most memory the process held during it."""

    seconds: float
    peak_bytes: int


def main() -> None:
    """Grow sixteen domains of the same rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--growths", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(2)
    runs = []
    for repeat in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(grow_all(options.rows, options.growths, repeat, folder))
        print(f"repeat {repeat + 1}: " + "  ".join(f"{cost.seconds:.2f}" for cost in runs[-1]), flush=True)
    table = [
        "| growth | median s | of the 2nd | median peak MiB | of the 2nd |",
        "| --- | --- | --- | --- | --- |",
    ]
    table += [row(n, runs) for n in range(options.growths)]
    publish(
        "growth_cost",
        "Time and peak memory of the n-th growth on equal data",
        table,
        f"{options.rows} rows, 2 epochs, 2 threads, {options.repeats} runs, each growth from plan to stored "
        "branch; ratios are medians over runs; memory is the whole process's, from its high-water mark reset "
        "before each growth",
    )


def grow_all(rows: int, growths: int, seed: int, folder: str) -> list[Cost]:
    """One stream's growths, by the default job (growth.init auto); files go to `folder`."""
    images, labels = fashion_mnist.load("train")
    model = GrowingModel(ModelConfig(), GrowthConfig(epochs=2, patience=9, seed=seed))
    model.artifacts = FileArtifacts(folder)
    costs = []
    for n in range(growths):
        # Equal data but for one pixel's shift, so that no two windows are the same rows.
        window = make_rows(images[:rows].copy(), labels[:rows])
        window.inputs["image"][:, 0, 0, n] ^= 1
        forget_peak()
        started = time.perf_counter()
        model.grow(f"task-{n + 1}", window)
        costs.append(Cost(time.perf_counter() - started, peak_bytes()))
    return costs


def forget_peak() -> None:
    """Set the high-water mark of this process's memory to what it holds now (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int:
    """The high-water mark of resident memory."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def row(n: int, runs: list[list[Cost]]) -> str:
    """One growth's line of the table."""
    seconds = statistics.median(run[n].seconds for run in runs)
    slower = statistics.median(run[n].seconds / run[1].seconds for run in runs)
    peak = statistics.median(run[n].peak_bytes for run in runs) / 2**20
    larger = statistics.median(run[n].peak_bytes / run[1].peak_bytes for run in runs)
    return f"| {n + 1} | {seconds:.2f} | {slower:.2f} | {peak:.0f} | {larger:.2f} |"


if __name__ == "__main__":
    main()
