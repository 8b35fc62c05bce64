"""What every gate in the table must do."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growlearn.domain.evaluation import Evaluation, PredictionFlips, TaskScore
from growlearn.domain.growth import GrowthResult
from growlearn.domain.job import GateConfig
from growlearn.domain.model_selection import Candidate, CandidateKind, ModelSelection
from growlearn.domain.refinement_score import LossChange, RefinementScore
from growlearn.evaluation.gates import (
    CONSOLIDATION_GATES,
    GATES,
    GROWTH_GATES,
    REFINEMENT_GATES,
    check_gates,
)
from growlearn.evaluation.gates.gate_input import GateInput
from growlearn.evaluation.paired_tests import select_smallest_adequate

COUNT = st.integers(0, 50)
LOSS = st.floats(0, 10)


def result(initial_loss: float, best_loss: float) -> GrowthResult:
    return GrowthResult(
        branches=(),
        branch_parameters=(),
        head="h",
        initial_head="h",
        lineage=("b1",),
        epochs=(),
        best_epoch=1,
        initial_loss=initial_loss,
        best_loss=best_loss,
        prefix_losses=(),
        train_rows=1,
        validation_rows=1,
        seconds=0.0,
        peak_memory_bytes=0,
        threads=1,
        seed=0,
    )


def evaluation(tasks: list[str], counts: list[int], before: int) -> Evaluation:
    task_scores = tuple(TaskScore(task=t, correct=c, rows=50) for t, c in zip(tasks, counts, strict=False))
    return Evaluation(
        task=tasks[-1],
        task_scores=task_scores,
        initial=TaskScore(task=tasks[-1], correct=before, rows=50),
        chance_level=0.5,
    )


def _outperformed_by_no_change() -> ModelSelection:
    correct = {
        CandidateKind.NO_CHANGE: np.ones(50, dtype=bool),
        CandidateKind.BRANCH: np.zeros(50, dtype=bool),
    }
    candidates = [
        Candidate(
            kind=kind,
            task_score=TaskScore(task="t", correct=int(mask.sum()), rows=50),
            parameters=size,
            branches=1,
            seconds=1.0,
        )
        for size, (kind, mask) in enumerate(correct.items())
    ]
    return select_smallest_adequate(candidates, correct, 0.05)


NO_BETTER = _outperformed_by_no_change()
FLIPS = st.builds(
    PredictionFlips, task=st.just("t0"), negative_count=COUNT, positive_count=COUNT, rows=st.just(50)
)


P_VALUE = st.floats(0, 1)
CHANGES = st.builds(
    LossChange,
    rows=st.integers(1, 1000),
    loss_before=LOSS,
    loss_after=LOSS,
    p_decrease=P_VALUE,
    p_increase=P_VALUE,
    accuracy_before=P_VALUE,
    accuracy_after=P_VALUE,
    p_accuracy_drop=P_VALUE,
)
REFINEMENTS = st.builds(
    RefinementScore,
    earlier=CHANGES,
    new=st.none() | CHANGES,
    both=CHANGES,
    alpha=st.floats(0.001, 0.5),
)


@st.composite
def gate_inputs(draw: st.DrawFn) -> GateInput:
    names = [f"t{j}" for j in range(draw(st.integers(1, 4)))]
    counts = st.lists(COUNT, min_size=len(names), max_size=len(names))
    grown = [evaluation(names[: i + 1], draw(counts), draw(COUNT)) for i in range(len(names))]
    return GateInput(
        evaluation=replace(grown[-1], refinement=draw(st.none() | REFINEMENTS)),
        past_evaluations=tuple(grown[:-1]),
        result=result(draw(LOSS), draw(LOSS)),
        parameters=draw(st.integers(1, 10**9)),
        model_selection=draw(st.sampled_from([None, NO_BETTER])),
        flips=draw(st.lists(FLIPS, max_size=3).map(tuple)),
    )


CONFIGS = st.builds(
    GateConfig,
    min_gain=st.floats(-1, 1),
    max_forgetting=st.floats(0, 1),
    max_parameters=st.none() | st.integers(1, 10**9),
    min_accuracy=st.floats(0, 1),
    max_negative_flip_rate=st.floats(0, 1),
    max_routed_accuracy_drop=st.floats(0, 1),
)


@pytest.mark.parametrize("name", GATES)
@settings(max_examples=40)
@given(gate_input=gate_inputs(), config=CONFIGS)
def test_a_gate_returns_its_own_name_finite_numbers_and_a_reason(
    name: str, gate_input: GateInput, config: GateConfig
) -> None:
    result = GATES[name](gate_input, config)
    assert result.gate == name
    assert math.isfinite(result.value)
    assert math.isfinite(result.threshold)
    assert type(result.passed) is bool
    assert result.reason


@pytest.mark.parametrize("name", GATES)
@settings(max_examples=40)
@given(gate_input=gate_inputs(), config=CONFIGS)
def test_a_gate_is_pure(name: str, gate_input: GateInput, config: GateConfig) -> None:
    untouched = deepcopy(gate_input)
    assert GATES[name](gate_input, config) == GATES[name](gate_input, config)
    assert gate_input == untouched


@given(gate_input=gate_inputs(), config=CONFIGS)
def test_all_gates_are_checked_in_the_table_s_order(gate_input: GateInput, config: GateConfig) -> None:
    names = GROWTH_GATES if gate_input.evaluation.refinement is None else REFINEMENT_GATES
    assert check_gates(gate_input, config) == tuple(GATES[name](gate_input, config) for name in names)
    assert [name for name in GATES if name in names] == list(names)


def test_a_good_candidate_passes_all() -> None:
    good = GateInput(
        evaluation=evaluation(["a", "b"], [45, 48], before=25),
        past_evaluations=(evaluation(["a"], [45], before=25),),
        result=result(0.7, 0.1),
        parameters=10,
    )
    assert all(result.passed for result in check_gates(good, GateConfig()))


def test_each_gate_can_fail() -> None:
    bad = GateInput(
        evaluation=replace(
            evaluation(["a", "b"], [44, 20], before=25),
            changed_tasks=("a",),
            routed=(TaskScore(task="a", correct=20, rows=50),),
        ),
        past_evaluations=(evaluation(["a"], [45], before=25),),
        result=result(0.7, 0.8),
        parameters=10,
        model_selection=NO_BETTER,
        flips=(PredictionFlips(task="a", negative_count=20, positive_count=0, rows=50),),
    )
    assert not any(
        result.passed for result in check_gates(bad, GateConfig(max_parameters=9, min_accuracy=0.5))
    )


def consolidated(**accuracy: int) -> GateInput:
    """A consolidated candidate whose teacher has 45 of 50 rows of each task correct."""
    scores = evaluation(["a", "b"], [accuracy.get("a", 45), accuracy.get("b", 45)], before=45)
    teacher = tuple(replace(score, correct=45) for score in scores.task_scores)
    return GateInput(
        evaluation=replace(
            scores,
            teacher=teacher,
            routed=tuple(
                replace(score, correct=accuracy.get(f"routed_{score.task}", 45)) for score in teacher
            ),
        ),
        past_evaluations=(),
        result=result(0.7, 0.1),
        parameters=10,
        flips=(
            PredictionFlips(task="a", negative_count=accuracy.get("flips", 0), positive_count=0, rows=50),
        ),
    )


LIMITS = GateConfig(
    max_forgetting=0.05,
    max_negative_flip_rate=0.05,
    min_accuracy=0.5,
    max_routed_accuracy_drop=0.05,
    max_parameters=10,
)


def test_a_consolidated_candidate_as_good_as_its_teacher_passes_its_own_gates() -> None:
    results = check_gates(consolidated(), LIMITS)
    assert tuple(result.gate for result in results) == CONSOLIDATION_GATES
    assert all(result.passed for result in results)


@pytest.mark.parametrize(
    ("candidate", "failed"),
    [
        (consolidated(a=40), ["forgetting"]),
        (consolidated(flips=5), ["negative_flips"]),
        (consolidated(a=20), ["forgetting", "min_accuracy"]),
        (consolidated(routed_b=40), ["routed_accuracy"]),
        (replace(consolidated(), parameters=11), ["max_parameters"]),
    ],
    ids=["less accurate", "other rows wrong", "one task lost", "rows routed wrong", "too large"],
)
def test_a_consolidated_candidate_worse_than_its_teacher_fails_the_gate_that_measures_it(
    candidate: GateInput, failed: list[str]
) -> None:
    assert [result.gate for result in check_gates(candidate, LIMITS) if not result.passed] == failed


def change(
    loss_after: float, p_decrease: float, p_increase: float, p_accuracy_drop: float = 1.0
) -> LossChange:
    return LossChange(
        rows=300, loss_before=0.5, loss_after=loss_after, p_decrease=p_decrease, p_increase=p_increase,
        accuracy_before=0.9, accuracy_after=0.88, p_accuracy_drop=p_accuracy_drop,
    )  # fmt: skip


BETTER, EQUAL = change(0.4, 0.001, 0.999), change(0.51, 0.7, 0.3)
WORSE = change(0.6, 0.999, 0.001, p_accuracy_drop=0.01)


def refined(new: LossChange | None, earlier: LossChange, both: LossChange) -> GateInput:
    """A candidate that refines task `a`, of which 44 rows of 50 are right now; task `b` is as it was."""
    scores = replace(
        evaluation(["b", "a"], [45, 44], before=45), best_existing=TaskScore(task="a", correct=45, rows=50)
    )
    return GateInput(
        evaluation=replace(
            scores, refinement=RefinementScore(earlier=earlier, new=new, both=both, alpha=0.05)
        ),
        past_evaluations=(evaluation(["a", "b"], [47, 45], before=25),),
        result=result(0.7, 0.1),
        parameters=10,
    )


@pytest.mark.parametrize(
    ("candidate", "failed"),
    [
        (refined(BETTER, EQUAL, EQUAL), []),
        (refined(BETTER, BETTER, BETTER), []),
        (refined(change(0.49, 0.2, 0.8), BETTER, BETTER), []),
        (refined(EQUAL, BETTER, BETTER), ["new_rows_loss"]),
        (refined(change(0.49, 0.2, 0.8), EQUAL, EQUAL), ["new_rows_loss"]),
        (refined(BETTER, WORSE, EQUAL), ["earlier_rows_loss"]),
        (refined(BETTER, replace(WORSE, p_accuracy_drop=1.0), BETTER), []),
        (refined(None, BETTER, BETTER), []),
        (refined(None, EQUAL, EQUAL), ["new_rows_loss"]),
    ],
    ids=[
        "better on new rows", "better on all", "a little on new rows, clearly on all", "not on new rows",
        "within chance", "worse on earlier rows",
        "less sure of earlier rows, better on all", "hold-out files", "within chance on hold-out files",
    ],
)  # fmt: skip
def test_a_refined_candidate_must_lower_the_loss_on_new_rows_and_not_raise_it_on_earlier_ones(
    candidate: GateInput, failed: list[str]
) -> None:
    results = check_gates(candidate, GateConfig())
    assert tuple(gate.gate for gate in results) == REFINEMENT_GATES
    assert [gate.gate for gate in results if not gate.passed] == failed
