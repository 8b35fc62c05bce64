"""Six windows of one task, one after the other, each of which is to be learned from.

Fashion-MNIST as it is, ten classes, 2,000 rows a window, through the product with the default job. The first
model against the last, without any row stored and with all of them kept (`retain: all`); beside them the same
job on all rows at once, and logistic regression on all rows. The data set's own test rows only report.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import fashion_mnist
import kept
import numpy as np
import torch
from branch_growth import SCHEMA, make_rows
from candidate_table import candidate_table, stream_selections
from in_memory_stream import InMemoryStream
from results import publish
from sklearn.linear_model import LogisticRegression

from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.job import Job, SourceConfig
from growlearn.domain.model_selection import ModelSelection
from growlearn.domain.stream import WindowRecord

WINDOWS, ROWS = 6, 2000
SIDES = ("no row stored", "retain: all", "all rows at once")


@dataclass(frozen=True)
class Outcome:
    """Test accuracy of a side after each window, its trainings and seconds, and what it chose among."""

    accuracies: tuple[float, ...]
    trainings: int
    seconds: float
    selections: list[tuple[str, ModelSelection]]


def main() -> None:
    """Every side with every seed; print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for finished sides, which the next run takes up")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        outcomes = [run_seed(seed, options.rows, folder) for seed in range(options.seeds)]
    growths = [
        (f"seed {seed} {growth}", selection)
        for seed, sides in enumerate(outcomes)
        for growth, selection in sides[SIDES[0]].selections
    ]
    publish(
        "six_windows",
        "Six windows of one task: learned from one after the other",
        [
            *table(outcomes),
            "",
            "Candidates of each growth without a stored row, on its hold-out rows:",
            "",
            *candidate_table(growths),
        ],
        f"Fashion-MNIST, {WINDOWS} windows of {options.rows} rows, default job, 10,000 test rows, "
        f"{options.seeds} seeds, each with other rows, {options.threads} threads",
    )


def run_seed(seed: int, rows: int, folder: Path) -> dict[str, Outcome]:
    """All sides on the same rows; `folder` keeps each that is finished."""
    images, labels = fashion_mnist.load("train")
    order = np.random.default_rng(seed).permutation(len(labels))[: WINDOWS * rows]
    parts = [(images[part], labels[part]) for part in np.split(order, WINDOWS)]
    whole = [(images[order], labels[order])]
    job = Job(
        name="six", source=SourceConfig(url="memory"), schema=replace(SCHEMA, label="label"),
        growth=GrowthConfig(seed=seed),
    )  # fmt: skip
    sides: dict[str, Callable[[], Outcome]] = {
        SIDES[0]: lambda: learn(job, parts),
        SIDES[1]: lambda: learn(replace(job, retain="all"), parts),
        SIDES[2]: lambda: learn(job, whole),
        "logistic regression, all rows": lambda: regression(*whole[0]),
    }
    outcomes = {}
    for number, (name, measure) in enumerate(sides.items()):
        path = folder / f"six-windows-{rows}-{seed}-{number}.json"
        outcomes[name] = kept.resume(path, Outcome, measure)
        print(f"seed {seed}, {name}: {[f'{each:.2%}' for each in outcomes[name].accuracies]}", flush=True)
    return outcomes


def learn(job: Job, windows: Sequence[tuple[fashion_mnist.Array, fashion_mnist.Array]]) -> Outcome:
    """Deliver the windows one after the other."""
    stream, (images, labels) = InMemoryStream(job), fashion_mnist.load("t10k")
    test, accuracies, started = make_rows(images, labels), [], time.perf_counter()
    for part in windows:
        window = stream.learn(*part, None)
        print(f"  {window.id} {window.verdict} {window.state}: {window.reason}", flush=True)
        accuracies.append(float((stream.answer(test) == labels).mean()))
    return Outcome(
        tuple(accuracies),
        sum(record.plan is not None for record in records(stream)),
        time.perf_counter() - started,
        stream_selections(stream.store, job.name),
    )


def records(stream: InMemoryStream) -> list[WindowRecord]:
    """The record of every window."""
    name = stream.job.name
    return [stream.store.window_record(name, window.id) for window in stream.store.windows(name)]


def regression(images: fashion_mnist.Array, labels: fashion_mnist.Array) -> Outcome:
    """Logistic regression on pixels, its penalty chosen on a tenth of the rows."""
    started, (test_images, test_labels) = time.perf_counter(), fashion_mnist.load("t10k")
    pixels, tested = images.reshape(len(images), -1) / 255, test_images.reshape(len(test_images), -1) / 255
    cut = len(labels) // 10
    models = [
        LogisticRegression(C=strength, max_iter=300).fit(pixels[cut:], labels[cut:])
        for strength in (0.01, 0.1, 1.0)
    ]
    best = max(models, key=lambda model: float(model.score(pixels[:cut], labels[:cut])))
    accuracy = best.fit(pixels, labels).score(tested, test_labels)
    return Outcome((float(accuracy),), 1, time.perf_counter() - started, [])


def table(outcomes: Sequence[dict[str, Outcome]]) -> list[str]:
    """A line a side: mean accuracy after each window, the last by seed, trainings, seconds."""
    lines = [
        "| side | " + " | ".join(f"after {number}" for number in range(1, WINDOWS + 1))
        + " | last by seed | trainings | seconds |",
        "| --- " * (WINDOWS + 4) + "|",
    ]  # fmt: skip
    for name in outcomes[0]:
        runs = [sides[name] for sides in outcomes]
        means = [statistics.fmean(each) for each in zip(*(run.accuracies for run in runs), strict=True)]
        cells = [""] * (WINDOWS - len(means)) + [f"{mean:.2%}" for mean in means]
        by_seed = ", ".join(f"{run.accuracies[-1]:.2%}" for run in runs)
        trainings = ", ".join(str(run.trainings) for run in runs)
        seconds = statistics.fmean(run.seconds for run in runs)
        lines.append(f"| {name} | {' | '.join(cells)} | {by_seed} | {trainings} | {seconds:.0f} |")
    return lines


if __name__ == "__main__":
    main()
