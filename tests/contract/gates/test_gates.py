"""What every gate in the table must do."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growlearn.domain.evaluation import Cell, Evaluation, Flips
from growlearn.domain.growth import GrowthResult
from growlearn.domain.job import GateSpec
from growlearn.domain.worth import Contender, Means, Worth
from growlearn.evaluation.gates import CONSOLIDATION, GATES, check
from growlearn.evaluation.gates.evidence import Evidence
from growlearn.evaluation.worth import weigh

COUNT = st.integers(0, 50)
LOSS = st.floats(0, 10)


def result(birth_loss: float, best_loss: float) -> GrowthResult:
    return GrowthResult(
        branches=(),
        branch_parameters=(),
        head="h",
        birth_head="h",
        lineage=("b1",),
        epochs=(),
        best_epoch=1,
        birth_loss=birth_loss,
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
    cells = tuple(Cell(task=t, correct=c, rows=50) for t, c in zip(tasks, counts, strict=False))
    return Evaluation(
        task=tasks[-1], cells=cells, before=Cell(task=tasks[-1], correct=before, rows=50), chance=0.5
    )


def _worthless() -> Worth:
    right = {Means.NOTHING: np.ones(50, dtype=bool), Means.BRANCH: np.zeros(50, dtype=bool)}
    contenders = [
        Contender(
            means=means, cell=Cell(task="t", correct=int(answers.sum()), rows=50), parameters=at, branches=1,
            latency_s=0.1, seconds=1.0,
        )
        for at, (means, answers) in enumerate(right.items())
    ]  # fmt: skip
    return weigh(contenders, right, 0.05)


WORTHLESS = _worthless()
FLIPS = st.builds(Flips, task=st.just("t0"), lost=COUNT, gained=COUNT, rows=st.just(50))


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    names = [f"t{j}" for j in range(draw(st.integers(1, 4)))]
    counts = st.lists(COUNT, min_size=len(names), max_size=len(names))
    grown = [evaluation(names[: i + 1], draw(counts), draw(COUNT)) for i in range(len(names))]
    return Evidence(
        evaluation=grown[-1],
        past=tuple(grown[:-1]),
        result=result(draw(LOSS), draw(LOSS)),
        parameters=draw(st.integers(1, 10**9)),
        worth=draw(st.sampled_from([None, WORTHLESS])),
        flips=draw(st.lists(FLIPS, max_size=3).map(tuple)),
    )


SPECS = st.builds(
    GateSpec,
    min_gain=st.floats(-1, 1),
    max_forgetting=st.floats(0, 1),
    max_parameters=st.none() | st.integers(1, 10**9),
    min_accuracy=st.floats(0, 1),
    max_negative_flips=st.floats(0, 1),
    max_routed_loss=st.floats(0, 1),
)


@pytest.mark.parametrize("name", GATES)
@given(seen=evidence(), spec=SPECS)
def test_a_gate_answers_under_its_own_name_with_finite_figures_and_a_reason(
    name: str, seen: Evidence, spec: GateSpec
) -> None:
    said = GATES[name](seen, spec)
    assert said.gate == name
    assert math.isfinite(said.figure)
    assert math.isfinite(said.bound)
    assert type(said.passed) is bool
    assert said.reason


@pytest.mark.parametrize("name", GATES)
@given(seen=evidence(), spec=SPECS)
def test_a_gate_is_pure(name: str, seen: Evidence, spec: GateSpec) -> None:
    untouched = deepcopy(seen)
    assert GATES[name](seen, spec) == GATES[name](seen, spec)
    assert seen == untouched


@given(seen=evidence(), spec=SPECS)
def test_all_gates_are_heard_in_the_table_s_order(seen: Evidence, spec: GateSpec) -> None:
    assert check(seen, spec) == tuple(gate(seen, spec) for gate in GATES.values())


def test_a_good_candidate_passes_all() -> None:
    good = Evidence(
        evaluation=evaluation(["a", "b"], [45, 48], before=25),
        past=(evaluation(["a"], [45], before=25),),
        result=result(0.7, 0.1),
        parameters=10,
    )
    assert all(said.passed for said in check(good, GateSpec()))


def test_each_gate_can_fail() -> None:
    bad = Evidence(
        evaluation=replace(
            evaluation(["a", "b"], [44, 20], before=25),
            changed=("a",),
            routed=(Cell(task="a", correct=20, rows=50),),
        ),
        past=(evaluation(["a"], [45], before=25),),
        result=result(0.7, 0.8),
        parameters=10,
        worth=WORTHLESS,
        flips=(Flips(task="a", lost=20, gained=0, rows=50),),
    )
    assert not any(said.passed for said in check(bad, GateSpec(max_parameters=9, min_accuracy=0.5)))


@given(evidence())
def test_a_consolidated_candidate_is_asked_what_it_can_answer(e: Evidence) -> None:
    consolidated = replace(e, evaluation=replace(e.evaluation, taught=e.evaluation.cells), flips=())
    assert tuple(said.gate for said in check(consolidated, GateSpec())) == CONSOLIDATION
    assert all(said.passed for said in check(consolidated, GateSpec()))
