"""Stationary streams read after every window: how many ever alarm, at alpha 0.05 for a stream's whole life.

Each stream has a reference of 2,000 rows of its own; its windows of 500 are drawn with replacement from all
other rows that the model did not train on. The tabular streams watch columns that sum up the same images.
With --keep FOLDER a run that is interrupted goes on where it stood.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import fashion_mnist
import numpy as np
import torch
from results import publish
from scipy.stats import binomtest
from score_monitors import (
    ALPHA,
    NAMES,
    TRAINED,
    Floats,
    KolmogorovSmirnov,
    RiskWatch,
    ScoredRows,
    Watch,
    cached,
    cached_scores,
    score_rows,
    train,
    unconditional,
)

from growlearn.drift.sequential.alpha_budget import make_lifetime_budget
from growlearn.drift.sequential.conformal_martingale import make_score_monitor
from growlearn.drift.sequential.risk import make_risk_monitor

REFERENCE_ROWS = 2000
WINDOW_ROWS = 500
BATCH = 20  # streams whose outcome is kept together
COLUMNS = (
    *("mean", "deviation", "share of black", "share of bright", "upper half", "left half"),
    *("centre row", "centre column", "edges down", "edges across", "brightest row", "brightest column"),
)


def main() -> None:
    """Run every stream, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=300)
    parser.add_argument("--windows", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="a folder for what is done")
    options = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        report(options.keep or Path(folder), options.streams, options.windows)


def report(folder: Path, streams: int, windows: int) -> None:
    """Watch both kinds of stream and publish the table."""
    parts = [fashion_mnist.load(part) for part in ("train", "t10k")]
    images, labels = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    later = images[TRAINED:], labels[TRAINED:]
    scored = cached_scores(
        folder, "scored", lambda: score_rows(train(images[:TRAINED], labels[:TRAINED]), *later)
    )
    print(f"accuracy {1 - scored.losses.mean():.2%}", flush=True)
    columns = ScoredRows(summed_up(later[0]), scored.losses)
    table = [
        "| streams of | watched by | ever alarm | share | 95 % interval |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind, rows, names in (("images", scored, NAMES), ("table rows", columns, COLUMNS)):
        table += lines(kind, alarms(rows, names, streams, windows, folder))
    publish(
        "false_alarms",
        f"Stationary streams that ever alarm, of {streams}, at alpha = {ALPHA} for life",
        table,
        f"{windows} windows of {WINDOW_ROWS} rows a stream, read after each; real Fashion-MNIST: one "
        f"model (branch of depth 1, width 64) trained once on {TRAINED:,} rows, "
        f"{len(scored.losses):,} rows it never saw; each stream draws a fresh reference of "
        f"{REFERENCE_ROWS:,} of them and its windows, with replacement, from the others; images are watched "
        f"by {len(NAMES)} scores (softmax outputs, largest output, entropy, energy) and by their losses, "
        f"table rows by {len(COLUMNS)} columns that sum up an image, some of them much tied; intervals after "
        "Clopper and Pearson",
    )


def alarms(
    scored: ScoredRows, names: tuple[str, ...], streams: int, windows: int, folder: Path
) -> dict[str, list[bool]]:
    """Whether each stream ever alarmed, by way of watching."""
    work = partial(stream, names=names, windows=windows)
    found = []
    with ProcessPoolExecutor(2, get_context("spawn"), _keep, (scored,)) as pool:
        for start in range(0, streams, BATCH):
            seeds = range(start, min(start + BATCH, streams))
            name = f"{len(names)}-scores-{windows}-windows-{seeds.start}-{seeds.stop}"
            found += cached(folder, name, partial(watch_all, pool, work, seeds))
            print(f"{seeds.stop} streams of {len(names)} scores", flush=True)
    return {name: [one[name] for one in found] for name in found[0]}


def watch_all(pool: Executor, work: Callable[[int], dict[str, bool]], seeds: range) -> list[dict[str, bool]]:
    """Every stream, in the processes of a pool."""
    return list(pool.map(work, seeds))


_kept: list[ScoredRows] = []  # a worker's rows, sent to it once


def _keep(scored: ScoredRows) -> None:
    _kept.append(scored)


def stream(seed: int, names: tuple[str, ...], windows: int) -> dict[str, bool]:
    """One stream's life, every way of watching stopped at its first alarm."""
    scored, rng = _kept[0], np.random.default_rng(seed)
    order = rng.permutation(len(scored.losses))
    reference, others = scored.take(order[:REFERENCE_ROWS]), order[REFERENCE_ROWS:]
    monitor = make_score_monitor(reference.scores, names, make_lifetime_budget(ALPHA))
    ways: dict[str, Callable[[ScoredRows], bool]] = {
        "scores, this design": Watch(monitor).alarm,
        "scores, plain martingale (reference taken for the truth)": Watch(unconditional(monitor)).alarm,
        "scores, KS at alpha / scores in each window": KolmogorovSmirnov(reference.scores, False).alarm,
        "scores, KS at alpha spent over windows": KolmogorovSmirnov(reference.scores, True).alarm,
    }
    if names == NAMES:
        ways["risk, this design"] = RiskWatch(
            make_risk_monitor(reference.losses, make_lifetime_budget(ALPHA))
        ).alarm
    ever = dict.fromkeys(ways, False)
    for _ in range(windows):
        window = scored.take(rng.choice(others, WINDOW_ROWS))
        for name, alarm in ways.items():
            ever[name] = ever[name] or alarm(window)
    return ever


def summed_up(images: fashion_mnist.Array) -> Floats:
    """Twelve numbers [N, 12] of each image, in the order of COLUMNS."""
    pixels = images / 255.0  # [N, 28, 28]
    down, across = pixels.mean(2), pixels.mean(1)  # [N, 28]
    mass = pixels.sum((1, 2)) + 1e-9
    places = np.arange(28)
    columns = [
        *(pixels.mean((1, 2)), pixels.std((1, 2)), (images == 0).mean((1, 2)), (images > 200).mean((1, 2))),
        *(pixels[:, :14].mean((1, 2)), pixels[:, :, :14].mean((1, 2))),
        *(28 * (down @ places) / mass, 28 * (across @ places) / mass),
        *(np.abs(np.diff(pixels, axis=1)).mean((1, 2)), np.abs(np.diff(pixels, axis=2)).mean((1, 2))),
        *(down.argmax(1), across.argmax(1)),
    ]
    return np.stack(columns, 1)


def lines(kind: str, ever: dict[str, list[bool]]) -> list[str]:
    """One line of the table for each way of watching."""
    found = []
    for name, streams in ever.items():
        interval = binomtest(sum(streams), len(streams)).proportion_ci(0.95, "exact")
        share = sum(streams) / len(streams)
        found.append(
            f"| {kind} | {name} | {sum(streams)} of {len(streams)} | {share:.1%} | "
            f"{interval.low:.1%} to {interval.high:.1%} |"
        )
    return found


if __name__ == "__main__":
    main()
