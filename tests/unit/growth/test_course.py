"""How a course begins."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from growlearn.domain.job import GrowthSpec
from growlearn.growth.course import Tuition, run_course


@pytest.mark.parametrize(("moved_by", "kept"), [(-1.0, 1.0), (3.0, 2.0), (float("nan"), 2.0)])
def test_a_beginning_is_kept_only_where_it_lowers_the_loss(
    tmp_path: Path, moved_by: float, kept: float
) -> None:
    module = nn.Linear(1, 1)
    nn.init.constant_(module.weight, 2.0)

    def begin() -> None:
        with torch.no_grad():
            module.weight += moved_by

    def validate() -> tuple[float, float]:
        return abs(module.weight.item()), 0.5

    course = run_course(
        [module],
        GrowthSpec(epochs=1),
        tmp_path / "checkpoint",
        Tuition(begin, lambda *_: 0.0, validate),
        lambda _: None,
    )
    assert (course.best_loss, course.birth_loss) == (kept, 2.0)
    assert course.best["0.weight"].item() == kept
