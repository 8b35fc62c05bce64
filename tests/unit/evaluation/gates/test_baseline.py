from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from growlearn.domain.evaluation import TaskScore
from growlearn.domain.job import GateConfig
from growlearn.domain.model_selection import Candidate, CandidateKind, ModelSelection
from growlearn.evaluation.gates.baseline import baseline
from growlearn.evaluation.paired_tests import select_smallest_adequate


def select(**correct: int) -> ModelSelection:
    """The selection among candidates that predict the first so many of 100 rows correctly."""
    masks = {CandidateKind[name.upper()]: np.arange(100) < count for name, count in correct.items()}
    candidates = [
        Candidate(
            kind=kind,
            task_score=TaskScore(task="b", correct=int(mask.sum()), rows=100),
            parameters=size,
            branches=1,
            seconds=1.0,
        )
        for size, (kind, mask) in enumerate(masks.items())
    ]
    return select_smallest_adequate(candidates, masks, 0.05)


def test_a_branch_that_outperforms_the_unchanged_model_passes(make_gate_input: Any) -> None:
    result = baseline(
        replace(make_gate_input(), model_selection=select(no_change=80, branch=90)), GateConfig()
    )
    assert result.passed
    assert result.value < result.threshold == 0.05
    assert result.reason.startswith("branch outperforms the unchanged model by +10.00 points (+")


def test_the_reason_is_that_of_the_selected_candidate_though_a_larger_one_has_a_lower_p_value(
    make_gate_input: Any,
) -> None:
    result = baseline(
        replace(make_gate_input(), model_selection=select(no_change=50, new_head=90, branch=91)), GateConfig()
    )
    assert result.passed
    assert result.reason.startswith("new_head outperforms the unchanged model by +40.00 points (+")


def test_a_branch_that_does_not_fails(make_gate_input: Any) -> None:
    result = baseline(
        replace(make_gate_input(), model_selection=select(no_change=89, new_head=88, branch=91)), GateConfig()
    )
    assert not result.passed
    assert result.value >= result.threshold == 0.025  # two were tested
    assert "branch does not outperform the unchanged model by +2.00 points" in result.reason


@pytest.mark.parametrize("selection", [None, select(new_head=80, branch=81)])
def test_without_an_earlier_task_with_all_classes_the_gate_passes(
    make_gate_input: Any, selection: ModelSelection | None
) -> None:
    result = baseline(replace(make_gate_input(), model_selection=selection), GateConfig())
    assert (result.passed, result.value, result.threshold) == (True, 0.0, 0.0)
    assert result.reason == "no earlier task has all the classes"
