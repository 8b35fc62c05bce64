from __future__ import annotations

from dataclasses import replace
from typing import Any

from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.unchanged import unchanged


def test_a_task_that_changed_by_one_bit_stops_the_candidate(make_evidence: Any) -> None:
    evidence = make_evidence()
    assert unchanged(evidence, GateSpec()).passed
    broken = replace(evidence, evaluation=replace(evidence.evaluation, changed=("a",)))
    result = unchanged(broken, GateSpec())
    assert (result.figure, result.passed) == (1.0, False)
    assert result.reason == "no longer answered bit for bit: 'a'"
