from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.evaluation import Flips
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.flips import flips


@pytest.mark.parametrize(("most", "passed"), [(0.03, False), (0.04, True), (1.0, True)])
def test_the_worst_task_decides(make_evidence: Any, most: float, passed: bool) -> None:
    seen = replace(
        make_evidence(),
        flips=(Flips(task="a", lost=0, gained=9, rows=50), Flips(task="b", lost=2, gained=0, rows=50)),
    )
    said = flips(seen, GateSpec(max_negative_flips=most))
    assert (said.figure, said.bound, said.passed) == (0.04, most, passed)
    assert said.reason == "2 of 50 rows of task 'b' were right before and are wrong now"


def test_a_first_task_flips_nothing(make_evidence: Any) -> None:
    said = flips(make_evidence(), GateSpec(max_negative_flips=0.0))
    assert (said.passed, said.figure, said.reason) == (True, 0.0, "no row was answered before")
