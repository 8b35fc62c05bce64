from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.size import size


@pytest.mark.parametrize(("parameters", "passed"), [(1999, True), (2000, True), (2001, False)])
def test_a_model_may_be_as_large_as_its_bound(make_evidence: Any, parameters: int, passed: bool) -> None:
    result = size(make_evidence(parameters=parameters), GateSpec(max_parameters=2000))
    assert (result.figure, result.bound, result.passed) == (parameters, 2000, passed)
    assert result.reason == f"{parameters:,} parameters, 2,000 are allowed"


def test_without_a_bound_any_size_will_do(make_evidence: Any) -> None:
    result = size(make_evidence(parameters=10**9), GateSpec())
    assert result.passed
    assert result.reason == "1,000,000,000 parameters, no bound is set"
