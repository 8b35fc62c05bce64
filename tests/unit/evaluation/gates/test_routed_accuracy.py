from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.evaluation import TaskReplacement, TaskScore
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.gate_input import GateInput
from growlearn.evaluation.gates.routed_accuracy import routed_accuracy


def routed(gate_input: GateInput, before: tuple[int, ...] = (), **now: int) -> GateInput:
    """With routed scores of the candidate by task, and of the parent model on task a."""
    task_scores = tuple(TaskScore(task=name, correct=count, rows=100) for name, count in now.items())
    past = tuple(
        replace(evaluation, routed=tuple(TaskScore(task="a", correct=count, rows=100) for count in before))
        for evaluation in gate_input.past_evaluations
    )
    return replace(
        gate_input, past_evaluations=past, evaluation=replace(gate_input.evaluation, routed=task_scores)
    )


@pytest.mark.parametrize(("most", "passed"), [(0.04, False), (0.05, True)])
def test_the_routed_accuracy_of_an_earlier_task_may_drop_by_the_limit(
    make_gate_input: Any, most: float, passed: bool
) -> None:
    result = routed_accuracy(
        routed(make_gate_input(), (88,), a=83, b=50), GateConfig(max_routed_accuracy_drop=most)
    )
    assert (round(result.value, 6), result.threshold, result.passed) == (0.05, most, passed)
    assert result.reason == "routed accuracy of task 'a': 83.00%, 88.00% before"


def test_a_single_task_is_compared_by_its_plain_accuracy(make_gate_input: Any) -> None:
    result = routed_accuracy(routed(make_gate_input(), a=80, b=50), GateConfig())
    assert result.passed
    assert result.reason.endswith("80.00%, 90.00% before")


def test_named_tasks_are_not_routed(make_gate_input: Any) -> None:
    result = routed_accuracy(make_gate_input(), GateConfig(max_routed_accuracy_drop=0.0))
    assert (result.passed, result.value, result.reason) == (True, 0.0, "no rows have to be routed")


@pytest.mark.parametrize(("before", "drop"), [((), 0.0), ((88,), 0.08)])
def test_versions_of_a_named_task_that_were_never_routed_are_not_compared(
    make_gate_input: Any, before: tuple[int, ...], drop: float
) -> None:
    """Release 0.1.0 scored them as if their head were named, which says nothing of the router."""
    gate_input = routed(make_gate_input(past=({"a": 90, "a/2": 90, "c": 90},)), before, a=80, b=50)
    result = routed_accuracy(gate_input, GateConfig())
    assert (round(result.value, 6), result.passed) == (drop, True)


def test_a_replaced_task_cannot_drop_and_the_reason_names_it(
    make_gate_input: Any,
) -> None:
    gate_input = routed(make_gate_input(), (88,), b=50)
    replacement = TaskReplacement(
        tasks=("a",), windows=("w3",), task_scores=(TaskScore(task="b", correct=190, rows=200),)
    )
    gate_input = replace(gate_input, evaluation=replace(gate_input.evaluation, replacement=replacement))
    result = routed_accuracy(gate_input, GateConfig(max_routed_accuracy_drop=0.0))
    assert result.passed
    assert result.reason == (
        f"no rows have to be routed; {gate_input.evaluation.task!r} replaces 'a': 95.00% accuracy on w3"
    )
