from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.min_accuracy import min_accuracy


@pytest.mark.parametrize(("minimum", "passed"), [(0.69, True), (0.7, True), (0.71, False)])
def test_the_worst_task_must_reach_the_minimum(make_gate_input: Any, minimum: float, passed: bool) -> None:
    result = min_accuracy(make_gate_input(now={"a": 90, "b": 70}), GateConfig(min_accuracy=minimum))
    assert (result.value, result.threshold, result.passed) == (0.7, minimum, passed)
    assert result.reason == "70.00% accuracy on task 'b', the lowest"
