from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.evaluation import PredictionFlips
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.negative_flips import negative_flips


@pytest.mark.parametrize(("most", "passed"), [(0.03, False), (0.04, True), (1.0, True)])
def test_the_worst_task_decides(make_gate_input: Any, most: float, passed: bool) -> None:
    gate_input = replace(
        make_gate_input(),
        flips=(
            PredictionFlips(task="a", negative_count=0, positive_count=9, rows=50),
            PredictionFlips(task="b", negative_count=2, positive_count=0, rows=50),
        ),
    )
    result = negative_flips(gate_input, GateConfig(max_negative_flip_rate=most))
    assert (result.value, result.threshold, result.passed) == (0.04, most, passed)
    assert result.reason == "2 of 50 rows of task 'b' were correct before, not now"


def test_a_first_task_flips_nothing(make_gate_input: Any) -> None:
    result = negative_flips(make_gate_input(), GateConfig(max_negative_flip_rate=0.0))
    assert (result.passed, result.value, result.reason) == (True, 0.0, "no row was predicted before")
