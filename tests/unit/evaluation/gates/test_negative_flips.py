from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.evaluation import PredictionFlips
from growlearn.domain.job import GateConfig
from growlearn.domain.metric import MetricName
from growlearn.domain.model_selection import CandidateKind, ModelSelection, PairedComparison
from growlearn.domain.refinement_score import LossChange, RefinementScore
from growlearn.evaluation.gates.negative_flips import negative_flips


@pytest.mark.parametrize(("most", "passed"), [(0.03, False), (0.04, True), (1.0, True)])
def test_the_worst_task_decides(make_gate_input: Any, most: float, passed: bool) -> None:
    gate_input = replace(
        make_gate_input(),
        flips=(
            PredictionFlips(task="a", negative_count=0, positive_count=9, rows=50),
            PredictionFlips(task="b", negative_count=2, positive_count=0, rows=50),
        ),
    )
    result = negative_flips(gate_input, GateConfig(max_negative_flip_rate=most))
    assert (result.value, result.threshold, result.passed) == (0.04, most, passed)
    assert result.reason == "2 of 50 rows of task 'b' were correct before, not now"


def test_a_first_task_flips_nothing(make_gate_input: Any) -> None:
    result = negative_flips(make_gate_input(), GateConfig(max_negative_flip_rate=0.0))
    assert (result.passed, result.value, result.reason) == (True, 0.0, "no row was predicted before")


@pytest.mark.parametrize(("gained", "passed"), [(60, True), (22, False)])
def test_of_a_refined_task_flips_are_the_price_of_a_gain_beyond_chance(
    make_gate_input: Any, gained: int, passed: bool
) -> None:
    gate_input = make_gate_input()
    change = LossChange(
        rows=100, loss_before=0.5, loss_after=0.4, p_decrease=0.01, p_increase=0.99,
        accuracy_before=0.6, accuracy_after=0.8, p_accuracy_drop=1.0,
    )  # fmt: skip
    refinement = RefinementScore(earlier=change, new=change, both=change, alpha=0.05)
    gate_input = replace(
        gate_input,
        evaluation=replace(gate_input.evaluation, refinement=refinement),
        flips=(PredictionFlips(task="b", negative_count=20, positive_count=gained, rows=100),),
    )
    result = negative_flips(gate_input, GateConfig())
    assert (result.passed, result.value) == (passed, 0.0 if passed else 0.2)
    if passed:
        assert result.reason.endswith(
            "task 'b' is answered right more often, beyond chance: "
            "60 of 100 rows are correct now only, 20 were before only"
        )


def compare(selected: CandidateKind, *, outperformed: bool) -> ModelSelection:
    """A branch against the unchanged model, by a metric that flips tell little about."""
    comparison = PairedComparison(
        smaller=CandidateKind.NO_CHANGE, larger=CandidateKind.BRANCH, only_larger_correct=5,
        only_smaller_correct=20, rows=100, difference=0.1, low=0.05, high=0.15, p_value=0.001,
        outperformed=outperformed,
    )  # fmt: skip
    return ModelSelection(
        candidates=(), comparisons=(comparison,), alpha=0.05, selected=selected,
        metric=MetricName.BALANCED_ACCURACY,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("selection", "passed"),
    [
        (compare(CandidateKind.BRANCH, outperformed=True), True),
        (compare(CandidateKind.BRANCH, outperformed=False), False),
        (compare(CandidateKind.NEW_HEAD, outperformed=True), False),
        (None, False),
    ],
    ids=["the kept one is better", "it is not", "another one is", "nothing was compared"],
)
@pytest.mark.parametrize("task", ["b", "a"])
def test_of_a_new_task_flips_are_the_price_of_a_gain_by_the_job_s_metric(
    make_gate_input: Any, selection: ModelSelection | None, passed: bool, task: str
) -> None:
    gate_input = replace(
        make_gate_input(),
        model_selection=selection,
        flips=(PredictionFlips(task=task, negative_count=20, positive_count=5, rows=100),),
    )
    assert gate_input.evaluation.task == "b"
    result = negative_flips(gate_input, GateConfig())
    assert result.passed == (passed and task == "b")  # an earlier task may lose nothing for it
    if result.passed:
        assert result.reason.endswith(
            "task 'b' is answered better by balanced_accuracy, beyond chance: "
            "5 of 100 rows are correct now only, 20 were before only"
        )
