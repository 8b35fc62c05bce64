from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.evaluation import PredictionFlips, TaskScore
from growlearn.domain.job import GateConfig
from growlearn.domain.metric import MetricName
from growlearn.domain.refinement_score import LossChange, MetricChange, RefinementScore
from growlearn.evaluation.gates.forgetting import forgetting
from growlearn.evaluation.gates.negative_flips import negative_flips


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


def test_a_refined_task_is_judged_by_the_metric_that_stands_in_for_accuracy(make_gate_input: Any) -> None:
    """Its accuracy fell beyond chance and its balanced accuracy rose; and the other way round."""
    better = MetricChange(
        metric=MetricName.BALANCED_ACCURACY, before=0.6, after=0.8, p_drop=0.999, p_rise=0.001
    )
    worse = replace(better, before=0.8, after=0.6, p_drop=0.001, p_rise=0.999)
    change = LossChange(
        rows=100, loss_before=0.5, loss_after=0.4, p_decrease=0.01, p_increase=0.99,
        accuracy_before=0.95, accuracy_after=0.9, p_accuracy_drop=0.001, by_metric=better,
    )  # fmt: skip
    gate_input = make_gate_input({"a": 90, "b": 90})
    flips = (PredictionFlips(task="b", negative_count=20, positive_count=15, rows=100),)

    def refined(change: LossChange) -> Any:
        refinement = RefinementScore(earlier=change, new=change, both=change, alpha=0.05)
        evaluation = replace(gate_input.evaluation, refinement=refinement)
        return replace(gate_input, evaluation=evaluation, flips=flips)

    assert forgetting(refined(change), GateConfig()).passed
    assert negative_flips(refined(change), GateConfig()).passed
    result = forgetting(refined(replace(change, p_accuracy_drop=1.0, by_metric=worse)), GateConfig())
    assert not result.passed
    assert result.value == pytest.approx(0.2)
    assert result.reason.startswith("refined task 'b': 80.00% balanced_accuracy before, 60.00% now on 100 ")
    assert not negative_flips(refined(replace(change, by_metric=worse)), GateConfig()).passed


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
