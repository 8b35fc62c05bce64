"""Streams whose every part is answered before it is learned from: scores of a side, and their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scores:
    """One side's figures on each part after the first, in the order of the metrics: [P, M]; and its work.

    The first metric is accuracy.
    """

    parts: list[list[float]]
    trainings: int
    seconds: float


def tables(
    seeds: Sequence[Mapping[str, Scores]], metrics: Sequence[str], parts: Sequence[object]
) -> list[str]:
    """Means over parts and seeds of every side, then each metric part by part."""
    lines = [
        f"| side | {' | '.join(metrics)} | accuracy by seed | trainings | seconds |",
        "| --- " * (len(metrics) + 4) + "|",
    ]
    for name in seeds[0]:
        figures = np.array([sides[name].parts for sides in seeds])  # [seeds, P, M]
        means = format_figures(figures.mean((0, 1)))
        by_seed = ", ".join(f"{value:.1%}" for value in figures.mean(1)[:, 0])
        trainings = ", ".join(str(sides[name].trainings) for sides in seeds)
        seconds = np.mean([sides[name].seconds for sides in seeds])
        lines.append(f"| {name} | {' | '.join(means)} | {by_seed} | {trainings} | {seconds:.0f} |")
    for index, metric in enumerate(metrics):
        lines += ["", f"**{metric}**", "", f"| side | {' | '.join(map(str, parts))} |"]
        lines.append("| --- " * (len(parts) + 1) + "|")
        for name in seeds[0]:
            by_part = np.mean([sides[name].parts for sides in seeds], axis=0)  # [P, M]
            cells = [format_figures(figures)[index] for figures in by_part]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def format_figures(figures: Sequence[float]) -> list[str]:
    """The accuracy in per cent, the other metrics as they are."""
    accuracy, *others = figures
    return [f"{accuracy:.1%}", *(f"{value:.3f}" for value in others)]
