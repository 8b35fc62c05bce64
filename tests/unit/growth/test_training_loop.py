"""The start of a training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.metric import METRICS, Metric, MetricName
from growlearn.growth.training_loop import TrainingHooks, fit
from growlearn.growth.validation_score import ValidationScore


@pytest.mark.parametrize(("moved_by", "kept"), [(-1.0, 1.0), (3.0, 2.0), (float("nan"), 2.0)])
def test_the_first_fit_is_kept_only_where_it_lowers_the_loss(
    tmp_path: Path, moved_by: float, kept: float
) -> None:
    module = nn.Linear(1, 1)
    nn.init.constant_(module.weight, 2.0)

    def before_training() -> None:
        with torch.no_grad():
            module.weight += moved_by

    def validate() -> ValidationScore:
        return ValidationScore(abs(module.weight.item()), 0.5)

    state = fit(
        [module],
        GrowthConfig(epochs=1),
        tmp_path / "checkpoint",
        TrainingHooks(before_training, lambda *_: 0.0, validate),
        lambda _: None,
    )
    assert (state.best_loss, state.initial_loss) == (kept, 2.0)
    assert state.best["0.weight"].item() == kept


def best_epoch(folder: Path, metric: Metric, epochs: list[tuple[float, float | None]]) -> int:
    """The best of epochs with these losses and values; before training the loss is 1 and the value 0.5."""
    scores = [ValidationScore(1.0, 0.5, None if epochs[0][1] is None else 0.5)] * 2
    scores += [ValidationScore(loss, 0.5, value) for loss, value in epochs]
    state = fit(
        [nn.Linear(1, 1)],
        GrowthConfig(epochs=len(epochs), patience=len(epochs)),
        folder / "checkpoint",
        TrainingHooks(lambda: None, lambda *_: 0.0, lambda: scores.pop(0), metric),
        lambda _: None,
    )
    assert [epoch.validation_value for epoch in state.epochs] == [value for _, value in epochs]
    return state.best_epoch


@pytest.mark.parametrize(
    ("name", "epochs", "expected"),
    [
        (MetricName.AVERAGE_PRECISION, [(0.5, 0.6), (0.4, 0.9), (0.3, 0.7)], 2),
        (MetricName.LOG_LOSS, [(0.5, 0.45), (0.4, 0.2), (0.3, 0.3)], 2),
        (MetricName.AVERAGE_PRECISION, [(0.5, 0.6), (1.2, 0.9), (0.3, 0.7)], 3),  # 2 does not lower the loss
        (
            MetricName.AVERAGE_PRECISION,
            [(0.5, None), (0.4, None), (0.6, None)],
            2,
        ),  # not defined: by the loss
        (MetricName.AVERAGE_PRECISION, [(0.5, 0.4), (0.4, 0.3)], 0),
        (MetricName.AVERAGE_PRECISION, [(float("nan"), float("nan")), (0.4, 0.6)], 2),
        (MetricName.ACCURACY, [(0.5, None), (0.4, None), (0.3, None)], 3),
    ],
)
def test_the_best_epoch_is_the_best_by_the_metric_of_those_that_lower_the_loss(
    tmp_path: Path, name: MetricName, epochs: list[tuple[float, float | None]], expected: int
) -> None:
    assert best_epoch(tmp_path, METRICS[name], epochs) == expected
