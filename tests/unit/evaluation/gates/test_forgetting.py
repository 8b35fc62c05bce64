from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.evaluation import TaskScore
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.forgetting import forgetting


def test_the_largest_drop_counts(make_gate_input: Any) -> None:
    gate_input = make_gate_input({"a": 80, "c": 70, "b": 99}, past=({"a": 90}, {"a": 90, "c": 75}))
    result = forgetting(gate_input, GateConfig(max_forgetting=0.05))
    assert result.value == pytest.approx(0.1)
    assert (result.threshold, result.passed) == (0.05, False)
    assert result.reason == "task 'a' changed most: best 90.00%, now 80.00%"


def test_the_best_past_counts_not_the_last(make_gate_input: Any) -> None:
    gate_input = make_gate_input({"a": 80, "c": 70, "b": 99}, past=({"a": 90}, {"a": 80, "c": 70}))
    assert forgetting(gate_input, GateConfig()).value == pytest.approx(0.1)


def test_without_tolerance_one_forgotten_row_fails(make_gate_input: Any) -> None:
    assert forgetting(make_gate_input({"a": 90, "b": 10}), GateConfig()).passed
    assert not forgetting(make_gate_input({"a": 89, "b": 10}), GateConfig()).passed


def test_a_task_that_got_better_was_not_forgotten(make_gate_input: Any) -> None:
    result = forgetting(make_gate_input({"a": 95, "b": 10}), GateConfig())
    assert result.passed
    assert result.value == pytest.approx(-0.05)


def test_the_first_task_has_none_to_forget(make_gate_input: Any) -> None:
    result = forgetting(make_gate_input({"b": 10}, past=()), GateConfig())
    assert (result.value, result.passed, result.reason) == (0.0, True, "there is no earlier task to forget")


def test_a_task_not_evaluated_again_counts_as_forgotten(make_gate_input: Any) -> None:
    result = forgetting(make_gate_input({"b": 10}), GateConfig())
    assert (result.value, result.passed) == (0.9, False)
    assert result.reason == "task 'a' was not evaluated again"


def _with_teacher(gate_input: Any, **correct: int) -> Any:
    task_scores = tuple(TaskScore(task=task, correct=count, rows=100) for task, count in correct.items())
    return replace(gate_input, evaluation=replace(gate_input.evaluation, teacher=task_scores))


def test_a_consolidated_candidate_is_compared_with_its_teacher(make_gate_input: Any) -> None:
    gate_input = _with_teacher(make_gate_input({"a": 89, "b": 93}, past=({"a": 99},)), a=90, b=95)
    result = forgetting(gate_input, GateConfig(max_forgetting=0.01))
    assert not result.passed
    assert result.value == pytest.approx(0.02)
    assert result.reason == "task 'b' changed most: best 95.00%, now 93.00%"
    assert forgetting(gate_input, GateConfig(max_forgetting=0.02)).passed


def test_later_growth_is_compared_with_the_consolidated_model(make_gate_input: Any) -> None:
    gate_input = make_gate_input({"a": 88, "b": 95}, past=({"a": 90}, {"a": 88}))
    assert not forgetting(gate_input, GateConfig()).passed
    grown, consolidated = gate_input.past_evaluations
    consolidated = replace(consolidated, teacher=grown.task_scores)
    assert forgetting(replace(gate_input, past_evaluations=(grown, consolidated)), GateConfig()).passed
    worse = replace(
        gate_input,
        past_evaluations=(grown, consolidated),
        evaluation=make_gate_input({"a": 87, "b": 95}).evaluation,
    )
    assert not forgetting(worse, GateConfig()).passed
