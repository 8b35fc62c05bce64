from __future__ import annotations

from dataclasses import replace
from typing import Any

from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.bitwise_unchanged import bitwise_unchanged


def test_a_task_that_changed_by_one_bit_stops_the_candidate(make_gate_input: Any) -> None:
    gate_input = make_gate_input()
    assert bitwise_unchanged(gate_input, GateConfig()).passed
    broken = replace(gate_input, evaluation=replace(gate_input.evaluation, changed_tasks=("a",)))
    result = bitwise_unchanged(broken, GateConfig())
    assert (result.value, result.passed) == (1.0, False)
    assert result.reason == "no longer equal bit for bit on cpu: 'a'"
