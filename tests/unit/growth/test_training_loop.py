"""The start of a training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from growlearn.domain.job import GrowthConfig
from growlearn.growth.training_loop import TrainingHooks, ValidationScore, fit


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
