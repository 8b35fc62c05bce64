"""The accuracy matrix, the loss curves, the prefix curve and the drift test results, as PNG.

No pyplot, so no state shared between threads.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from growlearn.domain.drift import DriftTestResult
from growlearn.domain.evaluation import AccuracyMatrix
from growlearn.domain.growth import Epoch, PrefixPoint

_MAX_BARS = 30
_MAX_ANNOTATED_SIZE = 16  # a larger matrix is shown by colour alone
_MAX_TASKS_WITH_INTERVALS = 8


def plot_accuracy_matrix(matrix: AccuracyMatrix) -> bytes:
    """R as a coloured grid: a row after each growth, a column a task."""
    size = len(matrix.tasks)
    side = 2.5 + 0.55 * min(size, 24)
    figure = Figure(figsize=(side + 1.2, side), layout="constrained")
    axes = figure.add_subplot()
    values = [[float("nan") if cell is None else cell for cell in row] for row in matrix.accuracy]
    image = axes.imshow(values, vmin=0, vmax=1, cmap="viridis")
    axes.set_xticks(range(size), [escape_label(task) for task in matrix.tasks], rotation=60, ha="right")
    axes.set_yticks(range(size), [f"after {escape_label(task)}" for task in matrix.tasks])
    axes.set_title("accuracy on each task after each growth")
    for i, row in enumerate(matrix.accuracy if size <= _MAX_ANNOTATED_SIZE else ()):
        for j, cell in enumerate(row):
            if cell is not None:
                shade = "black" if cell > 0.6 else "white"
                axes.text(j, i, _format_cell(matrix, i, j), ha="center", va="center", color=shade, fontsize=8)
    figure.colorbar(image, ax=axes)
    return render_png(figure)


def _format_cell(matrix: AccuracyMatrix, i: int, j: int) -> str:
    """One cell in per cent; with its 95 % interval below where there are few tasks."""
    cell = matrix.accuracy[i][j]
    interval = matrix.intervals[i][j] if matrix.intervals else None
    assert cell is not None
    text = f"{100 * cell:.1f}"
    if interval is None or len(matrix.tasks) > _MAX_TASKS_WITH_INTERVALS:
        return text
    return f"{text}\n{100 * interval.low:.0f} to {100 * interval.high:.0f}"


def plot_loss(epochs: Sequence[Epoch], initial_loss: float) -> bytes:
    """Training and validation loss by epoch, and the validation loss before the first."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    numbers = [epoch.epoch for epoch in epochs]
    axes.plot(numbers, [epoch.train_loss for epoch in epochs], marker="o", label="training")
    axes.plot(numbers, [epoch.validation_loss for epoch in epochs], marker="o", label="validation")
    axes.axhline(initial_loss, linestyle=":", color="grey", label="validation, before training")
    axes.set_xlabel("epoch")
    axes.set_ylabel("cross-entropy (nats)")
    axes.legend()
    return render_png(figure)


def plot_prefix_curve(points: Sequence[PrefixPoint], num_kept: int) -> bytes:
    """Loss and accuracy by number of branches of a lineage; those after `num_kept` were pruned."""
    figure = Figure(figsize=(max(6.0, 2.5 + 0.5 * len(points)), 4), layout="constrained")
    axes = figure.add_subplot()
    numbers = range(len(points))
    axes.plot(numbers, [point.loss for point in points], marker="o", color="tab:blue")
    names = ["stem" if point.branch is None else escape_label(point.branch) for point in points]
    axes.set_xticks(numbers, names, rotation=60, ha="right")
    axes.set_xlabel("last branch")
    axes.set_ylabel("validation loss (nats)", color="tab:blue")
    accuracy_axes = axes.twinx()
    accuracy_axes.plot(numbers, [point.accuracy for point in points], marker="s", color="tab:orange")
    accuracy_axes.set_ylabel("validation accuracy", color="tab:orange")
    accuracy_axes.set_ylim(0, 1)
    if num_kept + 1 < len(points):
        axes.axvspan(num_kept + 0.5, len(points) - 0.5, color="grey", alpha=0.2, label="pruned")
        axes.legend()
    return render_png(figure)


def plot_drift(results: Sequence[DriftTestResult]) -> bytes:
    """Effect size of each test, the largest first; red where its p-value is below the threshold."""
    finite = [result for result in results if math.isfinite(result.effect_size)]
    largest = sorted(finite, key=lambda result: -abs(result.effect_size))[:_MAX_BARS]
    figure = Figure(figsize=(7, 1.2 + 0.3 * max(1, len(largest))), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(
        [
            f"{escape_label(result.name)} ({escape_label(result.task)}, {result.detector})"
            for result in largest
        ],
        [result.effect_size for result in largest],
        color=["tab:red" if result.p_value < result.threshold else "tab:grey" for result in largest],
    )
    axes.invert_yaxis()
    axes.set_xlabel("effect size, in each detector's own unit")
    return render_png(figure)


def escape_label(text: str) -> str:
    """A name from the data as a label: shortened, and not read as a formula."""
    return (text if len(text) <= 24 else text[:23] + "…").replace("$", r"\$")


def render_png(figure: Figure) -> bytes:
    """A figure as the bytes of a file."""
    sink = io.BytesIO()
    figure.savefig(sink, format="png", dpi=110)
    return sink.getvalue()
