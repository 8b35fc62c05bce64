"""The accuracy matrix, the loss curves, the approximation curve and what drifted, as PNG.

No pyplot, so no state shared between threads.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from growlearn.domain.drift import Score
from growlearn.domain.evaluation import AccuracyMatrix
from growlearn.domain.growth import Epoch, PrefixPoint

_MOST_BARS = 30
_MOST_NUMBERS = 16  # a larger matrix is shown by colour alone
_MOST_INTERVALS = 8


def matrix_picture(matrix: AccuracyMatrix) -> bytes:
    """R as a coloured grid: a row after each growth, a column a task."""
    size = len(matrix.tasks)
    side = 2.5 + 0.55 * min(size, 24)
    figure = Figure(figsize=(side + 1.2, side), layout="constrained")
    axes = figure.add_subplot()
    values = [[float("nan") if cell is None else cell for cell in row] for row in matrix.accuracy]
    image = axes.imshow(values, vmin=0, vmax=1, cmap="viridis")
    axes.set_xticks(range(size), [literal(task) for task in matrix.tasks], rotation=60, ha="right")
    axes.set_yticks(range(size), [f"after {literal(task)}" for task in matrix.tasks])
    axes.set_title("accuracy on each task after each growth")
    for i, row in enumerate(matrix.accuracy if size <= _MOST_NUMBERS else ()):
        for j, cell in enumerate(row):
            if cell is not None:
                shade = "black" if cell > 0.6 else "white"
                axes.text(j, i, _told(matrix, i, j), ha="center", va="center", color=shade, fontsize=8)
    figure.colorbar(image, ax=axes)
    return png(figure)


def _told(matrix: AccuracyMatrix, i: int, j: int) -> str:
    """One cell in per cent; where there is room, with its 95 % interval below."""
    cell = matrix.accuracy[i][j]
    interval = matrix.intervals[i][j] if matrix.intervals else None
    assert cell is not None
    told = f"{100 * cell:.1f}"
    if interval is None or len(matrix.tasks) > _MOST_INTERVALS:
        return told
    return f"{told}\n{100 * interval.low:.0f} to {100 * interval.high:.0f}"


def loss_picture(epochs: Sequence[Epoch], birth_loss: float) -> bytes:
    """Training and validation loss by epoch, and what the loss was before the first."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    numbers = [epoch.epoch for epoch in epochs]
    axes.plot(numbers, [epoch.train_loss for epoch in epochs], marker="o", label="training")
    axes.plot(numbers, [epoch.validation_loss for epoch in epochs], marker="o", label="validation")
    axes.axhline(birth_loss, linestyle=":", color="grey", label="validation, at birth")
    axes.set_xlabel("epoch")
    axes.set_ylabel("cross-entropy (nats)")
    axes.legend()
    return png(figure)


def approximation_picture(points: Sequence[PrefixPoint], kept: int) -> bytes:
    """Loss and accuracy with ever more branches of a lineage; those after `kept` were dropped for size."""
    figure = Figure(figsize=(max(6.0, 2.5 + 0.5 * len(points)), 4), layout="constrained")
    axes = figure.add_subplot()
    numbers = range(len(points))
    axes.plot(numbers, [point.loss for point in points], marker="o", color="tab:blue")
    names = ["stem" if point.branch is None else literal(point.branch) for point in points]
    axes.set_xticks(numbers, names, rotation=60, ha="right")
    axes.set_xlabel("last branch")
    axes.set_ylabel("validation loss (nats)", color="tab:blue")
    beside = axes.twinx()
    beside.plot(numbers, [point.accuracy for point in points], marker="s", color="tab:orange")
    beside.set_ylabel("validation accuracy", color="tab:orange")
    beside.set_ylim(0, 1)
    if kept + 1 < len(points):
        axes.axvspan(kept + 0.5, len(points) - 0.5, color="grey", alpha=0.2, label="dropped")
        axes.legend()
    return png(figure)


def drift_picture(scores: Sequence[Score]) -> bytes:
    """How far each output or column moved against each task, the largest first; red where a test found it."""
    known = [score for score in scores if math.isfinite(score.effect)]
    most = sorted(known, key=lambda score: -abs(score.effect))[:_MOST_BARS]
    figure = Figure(figsize=(7, 1.2 + 0.3 * max(1, len(most))), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(
        [f"{literal(score.name)} ({literal(score.task)}, {score.detector})" for score in most],
        [score.effect for score in most],
        color=["tab:red" if score.p_value < score.threshold else "tab:grey" for score in most],
    )
    axes.invert_yaxis()
    axes.set_xlabel("effect, in each detector's own unit")
    return png(figure)


def literal(text: str) -> str:
    """Task names come from data: neither formulas nor half a page of text."""
    return (text if len(text) <= 24 else text[:23] + "…").replace("$", r"\$")


def png(figure: Figure) -> bytes:
    """A figure as the bytes of a file."""
    sink = io.BytesIO()
    figure.savefig(sink, format="png", dpi=110)
    return sink.getvalue()
