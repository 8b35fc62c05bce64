"""How many windows pass from a change to the alarm, after a hundred stable ones, at alpha 0.05 for a life.

Delay 1 is an alarm in the first changed window. Every way of watching keeps P(any false alarm, ever) <= 0.05
by its own argument. Beside this design: its bets without tests of single windows, the same with a DKW band
for the reference's sampling error, and nothing but KS tests of single windows, alpha spent over them.
With --keep FOLDER a run that is interrupted goes on where it stood.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import fashion_mnist
import numpy as np
import numpy.typing as npt
import torch
from branch_growth import GrowingModel
from results import publish
from score_monitors import (
    ALPHA,
    NAMES,
    TRAINED,
    KolmogorovSmirnov,
    RiskWatch,
    ScoredRows,
    Watch,
    banded,
    cached,
    cached_scores,
    score_rows,
    train,
)

from growlearn.drift.sequential.alpha_budget import AlphaBudget, make_lifetime_budget
from growlearn.drift.sequential.conformal_martingale import make_score_monitor
from growlearn.drift.sequential.risk import make_risk_monitor

REFERENCE_ROWS = 2000
WINDOW_ROWS = 500
STABLE = 100
MOST = 40  # changed windows; no alarm by then is a miss
FADING = 20  # windows until a slow drift is complete
MIXED = 0.25  # share of rows of new classes

Ramp = Callable[[int], float]
"""Share of changed rows in the n-th changed window, counted from 1."""


@dataclass(frozen=True)
class Case:
    """A change: rows as they were, rows as they become, and how many of a window have changed."""

    name: str
    known: ScoredRows
    changed: ScoredRows
    share: Ramp = lambda _: 1.0

    @property
    def accuracies(self) -> str:
        """Before, and in a window that has changed as much as it will."""
        share = self.share(FADING)
        before = 1 - self.known.losses.mean()
        after = share * (1 - self.changed.losses.mean()) + (1 - share) * before
        return f"{before:.0%} to {after:.0%}"


def main() -> None:
    """Run every case and seed, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="a folder for what is done")
    options = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        report(options.keep or Path(folder), options.seeds)


def report(folder: Path, seeds: int) -> None:
    """Run every case and publish the table."""
    found = []
    for case in cases(folder):
        name = f"{case.name.replace(' ', '-')}-{seeds}"
        delays = cached(folder, name, partial(run_seeds, case, seeds))
        found.append(line(case, delays))
        print(found[-1], flush=True)
    table = [
        "| change | accuracy | scores | bets only | bets, DKW | KS only | risk | risk, 50 labels |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *found,
    ]
    publish(
        "drift_delay",
        "Windows from a change to the alarm: median (the higher of two) and, in brackets, the longest",
        table,
        f"{seeds} streams a case with one model; {STABLE} stable windows before the change, with no "
        f"alarm unless counted as false; {WINDOW_ROWS} rows a window, {REFERENCE_ROWS:,} in the reference; "
        f"alpha = {ALPHA} for life; {MOST} changed windows, `-` where they pass without an alarm; reference "
        "and stable windows from Fashion-MNIST's training rows that the model did not see, changed ones from "
        f"its test rows; new classes are {MIXED:.0%} of a window; slow drift is complete after {FADING} "
        "windows; another label mix: classes 0 to 4 three times as frequent as the others",
    )


def cases(folder: Path) -> list[Case]:
    """Every change, with the scores of a model trained on 10,000 rows (of eight classes, for new ones)."""
    images, labels = fashion_mnist.load("train")
    later, truth = fashion_mnist.load("t10k")
    few, old = labels < 8, truth < 8

    @cache
    def model(classes: int) -> GrowingModel:
        rows = np.flatnonzero(labels[:TRAINED] < classes)
        return train(images[rows], labels[rows])

    def changed(name: str, images: npt.NDArray[np.generic]) -> ScoredRows:
        return cached_scores(folder, name, lambda: score_rows(model(10), images.astype(np.uint8), truth))

    known = cached_scores(folder, "known", lambda: score_rows(model(10), images[TRAINED:], labels[TRAINED:]))
    plain, inverted = changed("plain", later), changed("inverted", 255 - later)
    swapped = cached_scores(folder, "swapped", lambda: score_rows(model(10), later, (truth + 1) % 10))
    odds = np.where(truth < 5, 3.0, 1.0)
    remixed = plain.take(np.random.default_rng(0).choice(len(truth), 50_000, p=odds / odds.sum()))
    rows = TRAINED + np.flatnonzero(few[TRAINED:])
    eight = cached_scores(folder, "known-of-eight", lambda: score_rows(model(8), images[rows], labels[rows]))
    new = cached_scores(folder, "new-to-eight", lambda: score_rows(model(8), later[~old], truth[~old]))
    return [
        Case("rotated by 90 degrees", known, changed("rotated", np.rot90(later, axes=(1, 2)))),
        Case("inverted", known, inverted),
        *(
            Case(f"noise {sigma}", known, changed(f"noise-{sigma}", noisy(later, sigma)))
            for sigma in (0.1, 0.3, 0.5)
        ),
        Case("labels permuted", known, swapped),
        Case("new classes", eight, new, lambda _: MIXED),
        Case("slowly inverted", known, inverted, lambda window: min(1.0, window / FADING)),
        Case("another label mix", known, remixed),
        Case("5 % darker", known, changed("darker", 0.95 * later)),
        Case("nothing", known, plain),
    ]


def noisy(images: fashion_mnist.Array, sigma: float) -> npt.NDArray[np.float64]:
    """Gaussian noise on every pixel, sigma a share of the range, cut to the range."""
    noise = np.random.default_rng(0).normal(0, 255 * sigma, images.shape)
    return np.clip(images + noise, 0, 255)


def run_seeds(case: Case, seeds: int) -> list[tuple[int, ...]]:
    """The delays of so many streams."""
    return [run(case, seed) for seed in range(seeds)]


def run(case: Case, seed: int) -> tuple[int, ...]:
    """The delay of every way of watching in one stream: 0 for a false alarm, MOST + 1 for none."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(case.known.losses))
    reference, others = case.known.take(order[:REFERENCE_ROWS]), case.known.take(order[REFERENCE_ROWS:])
    budget = make_lifetime_budget(ALPHA)
    names = NAMES if reference.scores.shape[1] == len(NAMES) else NAMES[2:]
    monitor, risk = (
        make_score_monitor(reference.scores, names, budget),
        make_risk_monitor(reference.losses, budget),
    )
    bets = make_score_monitor(
        reference.scores, names, AlphaBudget(reference_alpha=ALPHA / 2, sequential_alpha=ALPHA / 2)
    )
    few = RiskWatch(risk)
    ways: list[Callable[[ScoredRows], bool]] = [
        Watch(monitor).alarm,
        Watch(bets).alarm,
        Watch(banded(bets)).alarm,
        KolmogorovSmirnov(reference.scores, True).alarm,
        RiskWatch(risk).alarm,
        lambda window: few.alarm(window.take(np.arange(50))),
    ]
    delays = [MOST + 1] * len(ways)
    for window in range(1 - STABLE, MOST + 1):
        share = case.share(window) if window > 0 else 0.0
        rows = mixed(others, case.changed, share, rng)
        for at, alarm in enumerate(ways):
            if delays[at] > MOST and alarm(rows):
                delays[at] = max(0, window)
        if max(delays) <= MOST:
            break
    return tuple(delays)


def mixed(known: ScoredRows, changed: ScoredRows, share: float, rng: np.random.Generator) -> ScoredRows:
    """A window, `share` of its rows changed, in any order."""
    new = round(share * WINDOW_ROWS)
    parts = (
        known.take(rng.choice(len(known.losses), WINDOW_ROWS - new)),
        changed.take(rng.choice(len(changed.losses), new)),
    )
    order = rng.permutation(WINDOW_ROWS)
    return ScoredRows(
        np.concatenate([part.scores for part in parts])[order],
        np.concatenate([part.losses for part in parts])[order],
    )


def line(case: Case, delays: Sequence[tuple[int, ...]]) -> str:
    """One case's line of the table."""
    cells = []
    for way in zip(*delays, strict=True):
        false, found = sum(delay == 0 for delay in way), sorted(delay for delay in way if delay > 0)
        middle, longest = statistics.median_high(found), found[-1]
        text = "-" if middle > MOST else f"{middle} ({longest if longest <= MOST else '-'})"
        cells.append(text + (f", {false} false" if false else ""))
    return f"| {case.name} | {case.accuracies} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
