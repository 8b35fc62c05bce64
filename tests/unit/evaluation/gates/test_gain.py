from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.evaluation import Cell
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.gain import gain


def test_the_gain_is_over_the_model_at_birth(make_evidence: Any) -> None:
    result = gain(make_evidence({"b": 95}, before=80), GateSpec(min_gain=0.1))
    assert result.figure == pytest.approx(0.15)
    assert (result.bound, result.passed) == (0.1, True)
    assert result.reason == "95.00% right on task 'b', 80.00% before growing"


def test_or_over_chance_where_that_is_better(make_evidence: Any) -> None:
    result = gain(make_evidence({"b": 60}, before=20), GateSpec())
    assert result.figure == pytest.approx(0.1)
    assert result.reason == "60.00% right on task 'b', 50.00% by chance"


def test_a_model_no_better_than_chance_is_kept_out_by_any_bound(make_evidence: Any) -> None:
    assert not gain(make_evidence({"b": 50}), GateSpec(min_gain=0.001)).passed
    assert not gain(make_evidence({"b": 49}), GateSpec()).passed


def test_a_gain_at_the_bound_passes_whatever_floats_make_of_it(make_evidence: Any) -> None:
    assert 0.9 - 0.8 < 0.1
    assert gain(make_evidence({"b": 90}, before=80), GateSpec(min_gain=0.1)).passed
    assert not gain(make_evidence({"b": 89}, before=80), GateSpec(min_gain=0.1)).passed


def test_or_over_an_earlier_task_that_answers_as_well(make_evidence: Any) -> None:
    evidence = make_evidence({"b": 60}, before=20)
    known = Cell(task="a", correct=70, rows=100)
    result = gain(replace(evidence, evaluation=replace(evidence.evaluation, known=known)), GateSpec())
    assert not result.passed
    assert result.figure == pytest.approx(-0.1)
    assert result.reason == "60.00% right on task 'b', 70.00% by task 'a' as it is"
