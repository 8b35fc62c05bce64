"""Parallel branches against a ViT of equal size, at equal epochs and at equal wall time, and their rivals.

Fashion-MNIST, 10 classes, the first 20,000 training rows, the last 2,000 of which only choose: each side's
learning rate (a short training, seed 0) and the best epoch. The 10,000 test rows only report. "Equal wall
time" gives a side the epochs that it can do, by its measured time a batch, while the ViT does its own; the
cycle of the learning rate is fitted to them. Runs that are finished are kept in --folder, so that a full run
may be made in parts: --minutes starts no training after so long, and another call goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from prefix_training import (
    OURS,
    PAPERS,
    RATES,
    SIDES,
    VIT,
    Outcome,
    Run,
    as_fast,
    as_json,
    of_json,
    perform,
    seconds_a_batch,
    vit_of,
)
from vit_report import report

BUDGETS = ("epochs", "time")
CHOICE_EPOCHS = 2.0

Stage = list[tuple[str, str]]
"""Budgets and sides that are trained together, seed by seed."""


class Kept:
    """Finished runs and measured times in a folder: a line of JSON each."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._runs, self._times = folder / "runs.jsonl", folder / "times.jsonl"

    def outcomes(self) -> list[Outcome]:
        """Every finished run."""
        return [of_json(line) for line in _lines(self._runs)]

    def add(self, outcome: Outcome) -> None:
        """Keep one more."""
        with self._runs.open("a") as file:
            file.write(json.dumps(as_json(outcome)) + "\n")

    def seconds(self, sides: list[str], rows: int) -> dict[str, float]:
        """Time a batch of every side, measured once, all sides together."""
        for line in _lines(self._times):
            if sorted(line) == sorted(sides):
                return line
        times = seconds_a_batch(sides, rows, rounds=15)
        with self._times.open("a") as file:
            file.write(json.dumps(times) + "\n")
        return times


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    """Measure times, choose rates, train what is not yet trained, and publish the tables."""
    options = arguments()
    torch.set_num_threads(2)
    kept, started = Kept(options.folder), time.perf_counter()
    sides = list(SIDES)
    times = kept.seconds(sides, options.rows)
    print({side: round(s, 4) for side, s in times.items()}, flush=True)
    deadline = started + 60 * options.minutes
    for stage in _stages():
        carry_out(choices(stage, options.rows), kept, options, deadline)
        carry_out(list(trainings(stage, kept, options, times)), kept, options, deadline)
    finished = [outcome for outcome in kept.outcomes() if outcome.test]
    if finished:
        report(finished, times, options.epochs, options.rows)


def choices(stage: Stage, rows: int) -> list[Run]:
    """The short trainings that choose the rates of a stage's sides."""
    tuned = dict.fromkeys(_tuned_as(side) for _, side in stage)
    short = rows * 3 // 10
    return [Run(side, "choice", 0, short, CHOICE_EPOCHS, rate) for side in tuned for rate in RATES]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("vit-run"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--epochs", type=float, default=4)
    parser.add_argument("--minutes", type=float, default=1e9, help="start no training after so long")
    parser.add_argument("--workers", type=int, default=2, help="trainings at a time, a thread each")
    return parser.parse_args()


def _tuned_as(side: str) -> str:
    """The side whose learning rate a side takes: with a conv stem or 16 branches, that of its twin."""
    twins = {"16 x 1, averaged prefix loss": OURS}
    return twins.get(side, side.removesuffix(", conv stem"))


def chosen_rates(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The rate with the lowest validation loss of the whole, where the whole grid was tried."""
    tried: dict[str, dict[float, float]] = {}
    for outcome in outcomes:
        if outcome.run.budget == "choice":
            tried.setdefault(outcome.run.side, {})[outcome.run.rate] = outcome.losses[-1]
    return {
        side: min(losses, key=lambda rate: losses[rate])
        for side, losses in tried.items()
        if len(losses) == len(RATES)
    }


def trainings(
    stage: Stage, kept: Kept, options: argparse.Namespace, times: dict[str, float]
) -> Iterator[Run]:
    """What a stage trains, seed by seed; a side as fast as the ViT is trained once for both budgets."""
    rates = chosen_rates(kept.outcomes())
    for seed in range(options.seeds):
        for budget, side in stage:
            epochs = options.epochs
            if budget == "time":
                if as_fast(side, times):
                    continue
                epochs *= times[vit_of(side)] / times[side]
            if _tuned_as(side) in rates:
                yield Run(side, budget, seed, options.rows, epochs, rates[_tuned_as(side)])


def _stages() -> list[Stage]:
    """Every budget and side, what the bars ask for first, then rivals at equal time, the dearest last."""
    first = [("epochs", VIT), ("epochs", OURS), ("time", OURS)]
    rivals = [("time" if side == PAPERS else "epochs", side) for side in SIDES]
    rest = [("time", side) for side in SIDES] + [("epochs", PAPERS)]
    stages: list[Stage] = [first]
    for pair in [*rivals, *rest]:
        if not any(pair in stage for stage in stages):
            stages.append([pair])
    return stages


def carry_out(runs: list[Run], kept: Kept, options: argparse.Namespace, deadline: float) -> None:
    """Perform the runs that are not finished, `workers` at a time, each kept as it ends."""
    done = [_same(outcome.run) for outcome in kept.outcomes()]
    waiting = [run for run in runs if _same(run) not in done]
    spawn = get_context("spawn")
    with ProcessPoolExecutor(options.workers, spawn, torch.set_num_threads, (1,)) as pool:
        jobs = [pool.submit(_perform_by, run, options, deadline) for run in waiting]
        for job in as_completed(jobs):
            outcome = job.result()
            if outcome is not None:
                kept.add(outcome)
                accuracy, took = outcome.validation[-1], outcome.seconds
                print(f"{outcome.run}: validation {accuracy:.2%} in {took:.0f} s", flush=True)


def _same(run: Run) -> Run:
    """Runs are the same that differ in nothing but the epochs that a measured time gave them."""
    return replace(run, epochs=0.0) if run.budget == "time" else run


def _perform_by(run: Run, options: argparse.Namespace, deadline: float) -> Outcome | None:
    """None where it is too late to begin; perf_counter is one clock for all processes."""
    return None if time.perf_counter() > deadline else perform(run, options.rows, options.folder)


if __name__ == "__main__":
    main()
