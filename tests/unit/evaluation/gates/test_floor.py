from __future__ import annotations

from typing import Any

import pytest

from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.floor import floor


@pytest.mark.parametrize(("least", "passed"), [(0.69, True), (0.7, True), (0.71, False)])
def test_the_worst_task_must_reach_the_floor(make_evidence: Any, least: float, passed: bool) -> None:
    said = floor(make_evidence(now={"a": 90, "b": 70}), GateSpec(min_accuracy=least))
    assert (said.figure, said.bound, said.passed) == (0.7, least, passed)
    assert said.reason == "70.00% right on task 'b', the least of all"
