from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.evaluation import TaskScore
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.min_gain import min_gain


def test_the_gain_is_over_the_untrained_model(make_gate_input: Any) -> None:
    result = min_gain(make_gate_input({"b": 95}, before=80), GateConfig(min_gain=0.1))
    assert result.value == pytest.approx(0.15)
    assert (result.threshold, result.passed) == (0.1, True)
    assert result.reason == "95.00% accuracy on task 'b', 80.00% before training"


def test_or_over_chance_where_that_is_better(make_gate_input: Any) -> None:
    result = min_gain(make_gate_input({"b": 60}, before=20), GateConfig())
    assert result.value == pytest.approx(0.1)
    assert result.reason == "60.00% accuracy on task 'b', 50.00% by chance"


def test_a_model_no_better_than_chance_fails_any_positive_threshold(make_gate_input: Any) -> None:
    assert not min_gain(make_gate_input({"b": 50}), GateConfig(min_gain=0.001)).passed
    assert not min_gain(make_gate_input({"b": 49}), GateConfig()).passed


def test_a_gain_at_the_threshold_passes_despite_rounding(make_gate_input: Any) -> None:
    assert 0.9 - 0.8 < 0.1
    assert min_gain(make_gate_input({"b": 90}, before=80), GateConfig(min_gain=0.1)).passed
    assert not min_gain(make_gate_input({"b": 89}, before=80), GateConfig(min_gain=0.1)).passed


def test_or_over_an_earlier_task_with_all_classes(make_gate_input: Any) -> None:
    gate_input = make_gate_input({"b": 60}, before=20)
    known = TaskScore(task="a", correct=70, rows=100)
    result = min_gain(
        replace(gate_input, evaluation=replace(gate_input.evaluation, best_existing=known)), GateConfig()
    )
    assert not result.passed
    assert result.value == pytest.approx(-0.1)
    assert result.reason == "60.00% accuracy on task 'b', 70.00% with task 'a'"
