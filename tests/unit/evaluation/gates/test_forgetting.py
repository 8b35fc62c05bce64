from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.evaluation import Cell
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.forgetting import forgetting


def test_the_largest_drop_counts(make_evidence: Any) -> None:
    evidence = make_evidence({"a": 80, "c": 70, "b": 99}, past=({"a": 90}, {"a": 90, "c": 75}))
    result = forgetting(evidence, GateSpec(max_forgetting=0.05))
    assert result.figure == pytest.approx(0.1)
    assert (result.bound, result.passed) == (0.05, False)
    assert result.reason == "task 'a' changed most: 90.00% at its best, 80.00% now"


def test_the_best_past_counts_not_the_last(make_evidence: Any) -> None:
    evidence = make_evidence({"a": 80, "c": 70, "b": 99}, past=({"a": 90}, {"a": 80, "c": 70}))
    assert forgetting(evidence, GateSpec()).figure == pytest.approx(0.1)


def test_one_row_forgotten_is_too_much_where_none_may_be(make_evidence: Any) -> None:
    assert forgetting(make_evidence({"a": 90, "b": 10}), GateSpec()).passed
    assert not forgetting(make_evidence({"a": 89, "b": 10}), GateSpec()).passed


def test_a_task_that_got_better_was_not_forgotten(make_evidence: Any) -> None:
    result = forgetting(make_evidence({"a": 95, "b": 10}), GateSpec())
    assert result.passed
    assert result.figure == pytest.approx(-0.05)


def test_the_first_task_has_none_to_forget(make_evidence: Any) -> None:
    result = forgetting(make_evidence({"b": 10}, past=()), GateSpec())
    assert (result.figure, result.passed, result.reason) == (0.0, True, "there is no earlier task to forget")


def test_a_task_not_measured_again_counts_as_forgotten(make_evidence: Any) -> None:
    result = forgetting(make_evidence({"b": 10}), GateSpec())
    assert (result.figure, result.passed) == (0.9, False)
    assert result.reason == "task 'a' was not measured again"


def _taught(evidence: Any, **correct: int) -> Any:
    cells = tuple(Cell(task=task, correct=count, rows=100) for task, count in correct.items())
    return replace(evidence, evaluation=replace(evidence.evaluation, taught=cells))


def test_a_consolidated_candidate_is_held_against_the_model_consolidated(make_evidence: Any) -> None:
    evidence = _taught(make_evidence({"a": 89, "b": 93}, past=({"a": 99},)), a=90, b=95)
    result = forgetting(evidence, GateSpec(max_forgetting=0.01))
    assert not result.passed
    assert result.figure == pytest.approx(0.02)
    assert result.reason == "task 'b' changed most: 95.00% at its best, 93.00% now"
    assert forgetting(evidence, GateSpec(max_forgetting=0.02)).passed


def test_what_a_consolidation_lost_is_not_held_against_later_growth(make_evidence: Any) -> None:
    evidence = make_evidence({"a": 88, "b": 95}, past=({"a": 90}, {"a": 88}))
    assert not forgetting(evidence, GateSpec()).passed
    grown, consolidated = evidence.past
    consolidated = replace(consolidated, taught=grown.cells)
    assert forgetting(replace(evidence, past=(grown, consolidated)), GateSpec()).passed
    worse = replace(
        evidence, past=(grown, consolidated), evaluation=make_evidence({"a": 87, "b": 95}).evaluation
    )
    assert not forgetting(worse, GateSpec()).passed
