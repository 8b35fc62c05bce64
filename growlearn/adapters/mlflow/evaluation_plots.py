"""Accuracies with intervals, confusion matrix and reliability diagram, as PNG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from growlearn.adapters.mlflow.plots import escape_label, render_png
from growlearn.evaluation.metrics.task_metrics import TaskMetrics

_MAX_ANNOTATED_SIZE = 16  # a larger grid is shown by colour alone
_MAX_TICK_LABELS = 60


def plot_task_accuracy(tasks: Sequence[TaskMetrics]) -> bytes:
    """Each task's accuracy with its 95 % interval, and the previous version's accuracy on the same rows."""
    figure = Figure(figsize=(max(4.0, 2.5 + 0.4 * len(tasks)), 4), layout="constrained")
    axes = figure.add_subplot()
    positions = range(len(tasks))
    accuracies = [task_metrics.task_score.accuracy for task_metrics in tasks]
    intervals = [task_metrics.task_score.interval for task_metrics in tasks]
    below = [max(0.0, value - interval.low) for value, interval in zip(accuracies, intervals, strict=True)]
    above = [max(0.0, interval.high - value) for value, interval in zip(accuracies, intervals, strict=True)]
    axes.errorbar(
        positions, accuracies, yerr=[below, above], fmt="o", capsize=4, label="accuracy, 95 % interval"
    )
    previous = [
        (position, task_metrics.previous_score.accuracy)
        for position, task_metrics in enumerate(tasks)
        if task_metrics.previous_score is not None
    ]
    if previous:
        xs, ys = zip(*previous, strict=True)
        axes.scatter(xs, ys, marker="x", color="tab:grey", label="previous version", zorder=3)
    axes.set_xticks(
        positions, [escape_label(task_metrics.task) for task_metrics in tasks], rotation=60, ha="right"
    )
    axes.set_ylabel("accuracy on hold-out rows")
    figure.legend(loc="outside lower center")
    return render_png(figure)


def plot_confusion(task_metrics: TaskMetrics, unknown_label: str) -> bytes:
    """Rows by true and predicted class, coloured by the fraction of the true class's rows."""
    assert task_metrics.confusion_matrix is not None
    num_classes = len(task_metrics.classes)
    counts = (
        task_metrics.confusion_matrix
        if task_metrics.confusion_matrix[-1].any()
        else task_metrics.confusion_matrix[:-1]
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.5 + 0.45 * min(num_classes, 24)
    figure = Figure(figsize=(side + 1.2, side), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, vmin=0, vmax=1, cmap="viridis")
    names = [escape_label(str(label)) for label in task_metrics.classes]
    if num_classes <= _MAX_TICK_LABELS:
        axes.set_xticks(range(num_classes), names, rotation=60, ha="right")
        axes.set_yticks(range(len(counts)), [*names, unknown_label][: len(counts)])
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title(f"hold-out of {escape_label(task_metrics.task)}")
    for true_index, predicted_index in np.argwhere(counts) if num_classes <= _MAX_ANNOTATED_SIZE else ():
        shade = "black" if shares[true_index, predicted_index] > 0.6 else "white"
        axes.text(
            predicted_index,
            true_index,
            str(counts[true_index, predicted_index]),
            ha="center",
            va="center",
            color=shade,
            fontsize=8,
        )
    figure.colorbar(image, ax=axes)
    return render_png(figure)


def plot_reliability(task_metrics: TaskMetrics) -> bytes:
    """Accuracy by confidence; on the diagonal the model is calibrated."""
    assert task_metrics.calibration is not None
    bins = task_metrics.calibration.bins
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.bar(
        [calibration_bin.low for calibration_bin in bins],
        [calibration_bin.accuracy for calibration_bin in bins],
        width=[calibration_bin.high - calibration_bin.low for calibration_bin in bins],
        align="edge",
        color="tab:blue",
        alpha=0.4,
        edgecolor="tab:blue",
    )
    axes.scatter([b.confidence for b in bins], [b.accuracy for b in bins], color="tab:blue", s=12)
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    for calibration_bin in bins:
        axes.text(
            (calibration_bin.low + calibration_bin.high) / 2,
            0.01,
            str(calibration_bin.rows),
            ha="center",
            fontsize=7,
            rotation=90,
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("confidence (number below a bar: rows of the bin)")
    axes.set_ylabel("accuracy")
    axes.set_title(
        f"{escape_label(task_metrics.task)}: calibration error {100 * task_metrics.calibration.ece:.1f} %"
    )
    return render_png(figure)
