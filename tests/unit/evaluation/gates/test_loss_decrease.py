from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.loss_decrease import loss_decrease


@pytest.mark.parametrize(("best", "passed"), [(0.69, True), (0.7, False), (0.71, False)])
def test_a_branch_must_lower_the_loss(make_gate_input: Any, best: float, passed: bool) -> None:
    result = loss_decrease(make_gate_input(losses=(0.7, best)), GateConfig())
    assert result.value == pytest.approx(0.7 - best)
    assert result.passed is passed
    assert result.reason == f"validation loss 0.7000 before training, {best:.4f} at best"


@pytest.mark.parametrize("losses", [(0.7, float("nan")), (float("nan"), 0.7), (float("inf"), 0.7)])
def test_a_diverged_training_does_not_pass_and_leaves_a_finite_figure(
    make_gate_input: Any, losses: tuple[float, float]
) -> None:
    result = loss_decrease(make_gate_input(losses=losses), GateConfig())
    assert (result.value, result.passed) == (0.0, False)
