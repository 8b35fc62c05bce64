"""What `drift.min_effect_size` hides and what it keeps quiet: weak changes and trifles, at five values of it.

Scores are monitored as decision_rule `sequential` does it, without labels, at the budget of a stream's first
task for alpha 0.05. At the usual scale windows have 500 rows and the reference 2,000; at the large one
windows of 100,000 make a million rows before a reference of 20,000, beside KS tests as decision_rule `any`
makes them. Rows are drawn with replacement from all that the model did not learn from, the reference too, and
a change is made to those very rows, so that how far it moves the distributions is known and not estimated.
With --keep FOLDER a run that is interrupted goes on where it stood.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import fashion_mnist
import numpy as np
import numpy.typing as npt
import torch
from branch_growth import GrowingModel
from drift_delay import noisy
from results import publish
from scipy.stats import ks_2samp
from score_monitors import (
    ALPHA,
    NAMES,
    TRAINED,
    Floats,
    ScoredRows,
    Watch,
    cached,
    cached_scores,
    score_rows,
    train,
)

from growlearn.drift.sequential.alpha_budget import make_lifetime_budget
from growlearn.drift.sequential.conformal_martingale import make_score_monitor

EFFECTS = (0.0, 0.01, 0.02, 0.03, 0.05)
CLASSES = 8  # known ones; rows of the other two are new
WATCHED = (*NAMES[:CLASSES], "largest output", "entropy")
WINDOW_ALPHA = 0.001  # of decision_rule any, as `growlearn init` writes it
BUDGET = make_lifetime_budget(ALPHA / 4)  # the first task's half, and of that half for scores

Change = Callable[[fashion_mnist.Array], npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Scale:
    """How many rows and windows; the change comes after `stable` of them."""

    reference_rows: int
    window_rows: int
    stable: int
    changed: int


USUAL, LARGE = Scale(2000, 500, 20, 40), Scale(20_000, 100_000, 2, 10)


@dataclass(frozen=True)
class Case:
    """A change (None: rows of new classes), the share of rows it reaches, and whether it is a small one."""

    name: str
    change: Change | None = None
    share: float = 1.0
    small: bool = False


CASES = (
    Case("nothing", lambda images: images, small=True),
    Case("1 % darker", lambda images: images * 0.99, small=True),
    Case("noise 0.01", lambda images: noisy(images, 0.01), small=True),
    Case("5 % darker", lambda images: images * 0.95, small=True),
    Case("10 % darker", lambda images: images * 0.9, small=True),
    Case("20 % darker", lambda images: images * 0.8),
    Case("noise 0.05", lambda images: noisy(images, 0.05)),
    Case("new classes, 5 % of rows", share=0.05),
    Case("moved by 1 pixel", lambda images: np.roll(images, 1, axis=2)),
)


@dataclass(frozen=True)
class Rows:
    """What the model says of all rows before and after a change; accuracies, and how far the scores moved.

    distance: the largest sup_x |F(x) - G(x)| of any score's distribution before and after, over all rows.
    """

    before: ScoredRows
    after: ScoredRows
    accuracies: str
    distance: float


def main() -> None:
    """Run every case at both scales, print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=20, help="at the usual scale")
    parser.add_argument("--large-streams", type=int, default=10)
    parser.add_argument("--keep", type=Path, help="a folder for what is done")
    options = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        rows = {case.name: rows_of_case(case, folder) for case in CASES}
        usual = [(case, delays(case, rows, USUAL, options.streams, folder)) for case in CASES]
        large = [
            (case, delays(case, rows, LARGE, options.large_streams, folder)) for case in CASES if case.small
        ]
    table = [
        *lines("windows of 500 rows", ("sequential",), usual, rows, USUAL),
        "",
        *lines("windows of 100,000 rows", ("sequential", "any"), large, rows, LARGE),
    ]
    publish(
        "drift_effect",
        "Alarms and delays by min_effect_size, without labels",
        table,
        f"{options.streams} streams a case at the usual scale ({USUAL.stable} stable windows, then "
        f"{USUAL.changed} changed ones, reference {USUAL.reference_rows:,}), {options.large_streams} at "
        f"the large one ({LARGE.stable}, then {LARGE.changed}; reference {LARGE.reference_rows:,}); "
        "cells: streams that alarm, then the median delay in windows of all streams and the longest, "
        f"`-` where they end without an alarm; sequential: {len(WATCHED)} scores at alpha = {ALPHA} for "
        f"life, as the first task's are watched; any: output-ks at alpha {WINDOW_ALPHA} a window; "
        "distance: sup |F - G| between all rows before and after, the largest of any score; an alarm "
        f"before the change counts as false; real Fashion-MNIST, one model of {CLASSES} classes trained "
        f"on theirs of {TRAINED:,} rows, streams drawn with replacement from "
        f"{len(rows['nothing'].before.losses):,} others; seeds from 0",
        f"drift_effect.py --streams {options.streams} --large-streams {options.large_streams}",
    )


def rows_of_case(case: Case, folder: Path) -> Rows:
    """Ask the model of all rows, before and after."""
    images, labels, learnt = data()
    known = ~learnt & (labels < CLASSES)
    before = cached_scores(folder, "known", lambda: score_rows(model(), images[known], labels[known]))
    some = known if case.change else ~learnt & (labels >= CLASSES)
    change = case.change or (lambda images: images)
    name = case.name.replace(" ", "-")
    after = cached_scores(
        folder, name, lambda: score_rows(model(), change(images[some]).astype(np.uint8), labels[some])
    )
    right, later = 1 - before.losses.mean(), 1 - after.losses.mean()
    distances = ks_2samp(watched(before), watched(after), method="asymp").statistic
    return Rows(
        before,
        after,
        f"{right:.1%} to {case.share * later + (1 - case.share) * right:.1%}",
        float(case.share * distances.max()),
    )


@cache
def data() -> tuple[fashion_mnist.Array, fashion_mnist.Array, npt.NDArray[np.bool_]]:
    """Images, labels, and whether the model learns from a row."""
    parts = [fashion_mnist.load(part) for part in ("train", "t10k")]
    images, labels = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    return images, labels, (labels < CLASSES) & (np.arange(len(labels)) < TRAINED)


@cache
def model() -> GrowingModel:
    """The model."""
    images, labels, learnt = data()
    return train(images[learnt], labels[learnt])


def watched(scored: ScoredRows) -> Floats:
    """The scores that the product watches, rounded as it rounds them: all but the energy."""
    return scored.scores[:, :-1].round(6)


def delays(
    case: Case, rows: dict[str, Rows], scale: Scale, streams: int, folder: Path
) -> list[dict[str, list[int]]]:
    """Of every stream the delay of each way at each effect: 0 for a false alarm, changed + 1 for none."""
    name = f"{case.name.replace(' ', '-')}-{scale.window_rows}-{streams}"
    found = cached(
        folder, name, lambda: [stream(case, rows[case.name], scale, seed) for seed in range(streams)]
    )
    print(f"{case.name}, {scale.window_rows} rows: {found}", flush=True)
    return found


def stream(case: Case, rows: Rows, scale: Scale, seed: int) -> dict[str, list[int]]:
    """One stream, every way and effect stopped at its first alarm."""
    rng = np.random.default_rng(seed)
    reference = watched(draw(rows.before, scale.reference_rows, rng))
    watches = [Watch(make_score_monitor(reference, WATCHED, BUDGET, effect)) for effect in EFFECTS]
    found = {way: [scale.changed + 1] * len(EFFECTS) for way in ("sequential", "any")}
    for window in range(1 - scale.stable, scale.changed + 1):
        new = round(case.share * scale.window_rows) if window > 0 else 0
        parts = [draw(rows.before, scale.window_rows - new, rng), draw(rows.after, new, rng)]
        scored = ScoredRows(
            *(np.concatenate(sides) for sides in zip(*((watched(p), p.losses) for p in parts), strict=True))
        )
        largest = significant_distance(reference, scored)
        for at, effect in enumerate(EFFECTS):
            alarms = {"any": largest > effect}
            if found["sequential"][at] > scale.changed:
                alarms["sequential"] = watches[at].alarm(scored)
            for way, alarm in alarms.items():
                if alarm and found[way][at] > scale.changed:
                    found[way][at] = max(0, window)
    return found


def draw(scored: ScoredRows, rows: int, rng: np.random.Generator) -> ScoredRows:
    """Some rows, with replacement."""
    return scored.take(rng.integers(0, len(scored.losses), rows))


def significant_distance(reference: Floats, scored: ScoredRows) -> float:
    """The largest distance of an output that output-ks calls significant; -1 where none is."""
    test = ks_2samp(reference[:, :CLASSES], scored.scores[:, :CLASSES], method="asymp")
    return float(np.where(test.pvalue < WINDOW_ALPHA / CLASSES, test.statistic, -1.0).max())


def lines(
    title: str, ways: tuple[str, ...], found: list[tuple[Case, list[dict[str, list[int]]]]],
    rows: dict[str, Rows], scale: Scale,
) -> list[str]:  # fmt: skip
    """A line for each case, a column for each way and effect."""
    heads = [f"{way}, {effect:g}" for way in ways for effect in EFFECTS]
    table = [
        f"| {title} | accuracy | distance | {' | '.join(heads)} |",
        f"| --- |{' --- |' * (len(heads) + 2)}",
    ]
    for case, streams in found:
        cells = [
            cell([each[way][at] for each in streams], scale) for way in ways for at in range(len(EFFECTS))
        ]
        of = rows[case.name]
        table.append(f"| {case.name} | {of.accuracies} | {of.distance:.3f} | {' | '.join(cells)} |")
    return table


def cell(delays: list[int], scale: Scale) -> str:
    """How many alarm, when, and how many falsely."""
    false, alarmed = delays.count(0), sum(0 < delay <= scale.changed for delay in delays)
    shown = [
        "-" if delay > scale.changed else str(delay)
        for delay in (statistics.median_high(delays), max(delays))
    ]
    text = f"{alarmed} of {len(delays)}" + (f", {shown[0]} ({shown[1]})" if alarmed else "")
    return text + (f", {false} false" if false else "")


if __name__ == "__main__":
    main()
