"""The tables and the picture of `vit.py`."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from matplotlib.figure import Figure
from prefix_training import OURS, PAPERS, SIDES, Outcome, as_fast, vit_of
from results import RESULTS, publish

PAPER_GAIN = 2.39  # points, "up to", over three data sets
JOINT = "8 x 1, joint"
SIXTEEN = "16 x 1, averaged prefix loss"
OURS_4X2 = "4 x 2, averaged prefix loss"

Found = dict[tuple[str, str], list[Outcome]]


def report(outcomes: Sequence[Outcome], times: dict[str, float], epochs: float, rows: int) -> None:
    """Publish what is finished."""
    found: Found = {}
    for outcome in sorted(outcomes, key=lambda each: each.run.seed):
        found.setdefault((outcome.run.budget, outcome.run.side), []).append(outcome)
    for side in SIDES:
        if as_fast(side, times) and ("epochs", side) in found:
            found["time", side] = found["epochs", side]
    table = [f"## Equal epochs ({epochs:g})", "", *_accuracies(found, times, "epochs"), ""]
    table += ["## Equal wall time (that of the ViT's epochs)", "", *_accuracies(found, times, "time"), ""]
    table += ["## Test accuracy by prefix, equal epochs", "", *_prefixes(found), "", "## Bars", ""]
    table += _bars(found, times)
    picture(found)
    publish(
        "vit",
        "Parallel branches against a ViT of equal size, Fashion-MNIST",
        table,
        f"Loss by prefix: [picture](vit.png). {rows:,} training rows of which 2,000 only choose, test on "
        "10,000, width 64, patch 4, batch 128, mean over tokens and branches born zero on all sides, AdamW "
        "at one cycle, learning rate of each side from the same grid on validation rows; time a batch is "
        "the median of 15 at 2 threads, sides taking turns, with all passes and steps that a batch "
        "gets in an epoch; trainings run two at a time, a thread each; a side within 2 % of the ViT's time "
        "a batch is trained once for both tables",
    )


def _accuracies(found: Found, times: dict[str, float], budget: str) -> list[str]:
    head = [
        "side",
        "parameters",
        "learning rate",
        "ms a batch",
        "of ViT",
        "epochs",
        "test",
        "by seed",
        "over ViT",
    ]
    table = ["| " + " | ".join(head) + " |", "| --- |" + " --- |" * (len(head) - 1)]
    for side in SIDES:
        runs = found.get((budget, side))
        if not runs:
            continue
        vit = vit_of(side)
        gain = _gain(found, budget, side, vit)
        cells = [
            side,
            f"{runs[0].parameters:,}",
            f"{runs[0].run.rate:g}",
            f"{1000 * times[side]:.0f}",
            f"{times[side] / times[vit]:.2f}",
            f"{runs[0].run.epochs:.2f}",
            f"{_mean(runs):.2%}",
            ", ".join(f"{run.test[-1]:.2%}" for run in runs),
            "" if gain is None or side == vit else f"{gain:+.2f}",
        ]
        table.append("| " + " | ".join(cells) + " |")
    return table


def _prefixes(found: Found) -> list[str]:
    shares = (1 / 8, 1 / 4, 1 / 2, 1.0)
    table = ["| side | one branch | 1/8 | 1/4 | 1/2 | whole |", "| --- |" + " --- |" * 5]
    for side, of in SIDES.items():
        runs = found.get(("epochs", side))
        if not runs or of.branches == 1:
            continue
        wanted = [1, *(share * of.branches for share in shares)]
        cells = [f"{_mean(runs, int(n)):.2%}" if n == int(n) else "" for n in wanted]
        table.append(f"| {side} | " + " | ".join(cells) + " |")
    return table


def _bars(found: Found, times: dict[str, float]) -> list[str]:
    table = ["| what | measured | bar |", "| --- | --- | --- |"]
    for budget, name in (("epochs", "equal epochs"), ("time", "equal wall time")):
        for side in SIDES:
            gain = _gain(found, budget, side, vit_of(side))
            if gain is None or SIDES[side].scheme != "averaged" or SIDES[side].branches == 16:
                continue
            distance = f"{gain:+.2f} points, {gain - PAPER_GAIN:+.2f} from the paper's {PAPER_GAIN}"
            table.append(f"| {side} over ViT, {name} | {distance} | >= 1.5 |")
    table.append(
        f"| averaged prefix loss against joint, time | {times[OURS] / times[JOINT]:.2f}x | <= 1.15x |"
    )
    joint_4x2 = times[OURS_4X2]
    table.append(f"| stepwise against averaged, 4 x 2, time | {times[PAPERS] / joint_4x2:.2f}x | |")
    for side in (OURS, OURS_4X2):
        runs = found.get(("epochs", side))
        if runs:
            lost = 100 * (_mean(runs) - _mean(runs, SIDES[side].branches // 4))
            table.append(
                f"| a quarter of the branches, {side} | {lost:.2f} points below the whole | <= 2.0 |"
            )
    runs = found.get(("epochs", SIXTEEN))
    if runs:
        reached = f"{_mean(runs, 1):.2%}, the whole {_mean(runs):.2%}"
        table.append(
            f"| 16.0x fewer branch parameters (one of 16 x 1; the paper's most is 15.07x) | {reached} | |"
        )
    return table


def _gain(found: Found, budget: str, side: str, over: str) -> float | None:
    """Points of mean test accuracy over another side, on the seeds that both have."""
    seeds = [{run.run.seed: run.test[-1] for run in found.get((budget, name), [])} for name in (side, over)]
    both = [seed for seed in seeds[0] if seed in seeds[1]]
    if not both:
        return None
    return 100 * statistics.fmean(seeds[0][seed] - seeds[1][seed] for seed in both)


def _mean(runs: Sequence[Outcome], prefix: int = 0) -> float:
    """Mean test accuracy of a prefix of so many branches; 0: of the whole."""
    return statistics.fmean(run.test[prefix - 1] for run in runs)


def picture(found: Found) -> None:
    """Loss on validation rows by share of the branches, a line a side."""
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for side, of in SIDES.items():
        runs = found.get(("epochs", side)) or found.get(("time", side))
        if not runs:
            continue
        note = "" if ("epochs", side) in found else " (equal time)"
        losses = [statistics.fmean(run.losses[k] for run in runs) for k in range(of.branches)]
        share = [(k + 1) / of.branches for k in range(of.branches)]
        axes.plot(share, losses, marker="o", markersize=4, label=side + note)
    axes.set_xlabel("share of the branches used")
    axes.set_ylabel("validation loss (nats)")
    axes.set_yscale("log")
    axes.legend(fontsize=8)
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / "vit.png", dpi=110)
