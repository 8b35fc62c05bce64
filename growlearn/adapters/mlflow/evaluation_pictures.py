"""Accuracies with intervals, what was taken for what, and how far confidence can be trusted, as PNG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from growlearn.adapters.mlflow.pictures import literal, png
from growlearn.evaluation.figures.task import TaskFigures

_MOST_NUMBERS = 16  # a larger grid is shown by colour alone
_MOST_NAMES = 60


def accuracy_picture(tasks: Sequence[TaskFigures]) -> bytes:
    """Each task's accuracy with its 95 % interval, and what the version before answered on the same rows."""
    figure = Figure(figsize=(max(4.0, 2.5 + 0.4 * len(tasks)), 4), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(tasks))
    now = [each.cell.accuracy for each in tasks]
    spans = [each.cell.interval for each in tasks]
    below = [max(0.0, value - span.low) for value, span in zip(now, spans, strict=True)]
    above = [max(0.0, span.high - value) for value, span in zip(now, spans, strict=True)]
    axes.errorbar(places, now, yerr=[below, above], fmt="o", capsize=4, label="accuracy, 95 % interval")
    before = [(at, each.before.accuracy) for at, each in enumerate(tasks) if each.before is not None]
    if before:
        across, up = zip(*before, strict=True)
        axes.scatter(across, up, marker="x", color="tab:grey", label="the version before", zorder=3)
    axes.set_xticks(places, [literal(each.task) for each in tasks], rotation=60, ha="right")
    axes.set_ylabel("share of hold-out rows answered right")
    figure.legend(loc="outside lower center")
    return png(figure)


def confusion_picture(figures: TaskFigures, unknown: str) -> bytes:
    """Rows by true class and answer, coloured by share of the true class's rows."""
    assert figures.counts is not None
    size = len(figures.classes)
    counts = figures.counts if figures.counts[-1].any() else figures.counts[:-1]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.5 + 0.45 * min(size, 24)
    figure = Figure(figsize=(side + 1.2, side), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, vmin=0, vmax=1, cmap="viridis")
    names = [literal(str(label)) for label in figures.classes]
    if size <= _MOST_NAMES:
        axes.set_xticks(range(size), names, rotation=60, ha="right")
        axes.set_yticks(range(len(counts)), [*names, unknown][: len(counts)])
    axes.set_xlabel("answered as")
    axes.set_ylabel("true class")
    axes.set_title(f"hold-out of {literal(figures.task)}")
    for at, answer in np.argwhere(counts) if size <= _MOST_NUMBERS else ():
        shade = "black" if shares[at, answer] > 0.6 else "white"
        axes.text(answer, at, str(counts[at, answer]), ha="center", va="center", color=shade, fontsize=8)
    figure.colorbar(image, ax=axes)
    return png(figure)


def reliability_picture(figures: TaskFigures) -> bytes:
    """Accuracy by confidence; on the diagonal, confidence can be taken at its word."""
    assert figures.calibration is not None
    bins = figures.calibration.bins
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.bar(
        [each.low for each in bins],
        [each.accuracy for each in bins],
        width=[each.high - each.low for each in bins],
        align="edge",
        color="tab:blue",
        alpha=0.4,
        edgecolor="tab:blue",
    )
    axes.scatter([b.confidence for b in bins], [b.accuracy for b in bins], color="tab:blue", s=12)
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    for each in bins:
        axes.text((each.low + each.high) / 2, 0.01, str(each.rows), ha="center", fontsize=7, rotation=90)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("confidence (at its foot: rows of a bin)")
    axes.set_ylabel("accuracy")
    axes.set_title(f"{literal(figures.task)}: calibration error {100 * figures.calibration.error:.1f} %")
    return png(figure)
