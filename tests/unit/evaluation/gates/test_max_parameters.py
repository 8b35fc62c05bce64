from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.max_parameters import max_parameters


@pytest.mark.parametrize(("parameters", "passed"), [(1999, True), (2000, True), (2001, False)])
def test_a_model_may_be_as_large_as_its_limit(make_gate_input: Any, parameters: int, passed: bool) -> None:
    result = max_parameters(make_gate_input(parameters=parameters), GateConfig(max_parameters=2000))
    assert (result.value, result.threshold, result.passed) == (parameters, 2000, passed)
    assert result.reason == f"{parameters:,} parameters, 2,000 are allowed"


def test_without_a_limit_any_size_passes(make_gate_input: Any) -> None:
    result = max_parameters(make_gate_input(parameters=10**9), GateConfig())
    assert result.passed
    assert result.reason == "1,000,000,000 parameters, no limit is set"
