from __future__ import annotations

import io

import pytest
from PIL import Image

from growlearn.adapters.mlflow.plots import plot_accuracy_matrix, plot_drift, plot_loss, plot_prefix_curve
from growlearn.domain.drift import DriftTestResult
from growlearn.domain.evaluation import AccuracyMatrix
from growlearn.domain.growth import Epoch, PrefixPoint


def matrix(names: tuple[str, ...]) -> AccuracyMatrix:
    rows = tuple(tuple(0.9 if j <= i else None for j in range(len(names))) for i in range(len(names)))
    return AccuracyMatrix(
        tasks=names, accuracy=rows, chance_level=(0.5,) * len(names), single_task=(None,) * len(names)
    )


@pytest.mark.parametrize(
    "names", [("only",), ("$a$", "$b"), ("x" * 400, "new\nline"), tuple(f"task-{i}" for i in range(40))]
)
def test_a_matrix_of_any_size_and_any_names_becomes_a_png(names: tuple[str, ...]) -> None:
    picture = Image.open(io.BytesIO(plot_accuracy_matrix(matrix(names))))
    assert picture.format == "PNG"
    assert min(picture.size) > 100


@pytest.mark.parametrize("losses", [[], [0.5], [0.7, float("inf"), float("nan")]])
def test_loss_curves_become_a_png_even_where_training_diverged(losses: list[float]) -> None:
    epochs = [
        Epoch(epoch=i, train_loss=loss, validation_loss=loss, validation_accuracy=0.5, seconds=1.0)
        for i, loss in enumerate(losses, 1)
    ]
    assert plot_loss(epochs, 0.69).startswith(b"\x89PNG")


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_an_approximation_curve_is_drawn_with_and_without_dropped_branches(kept: int) -> None:
    points = [
        PrefixPoint(branch=name, loss=loss, accuracy=0.5)
        for name, loss in ((None, 2.3), ("b1", 1.0), ("b2", float("nan")))
    ]
    assert plot_prefix_curve(points, kept).startswith(b"\x89PNG")


@pytest.mark.parametrize("effects", [[], [0.3], [0.1, float("nan"), -0.4], [0.01 * n for n in range(90)]])
def test_what_moved_is_drawn_whatever_it_is_called(effects: list[float]) -> None:
    scores = [
        DriftTestResult(
            detector="output-ks", task="$a$", name=f"output of class {'x' * n}", statistic=0.1, p_value=0.5,
            threshold=0.01, reference_rows=100, window_rows=100, effect_size=effect,
        )
        for n, effect in enumerate(effects)
    ]  # fmt: skip
    assert plot_drift(scores).startswith(b"\x89PNG")
