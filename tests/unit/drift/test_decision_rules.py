"""Whether a window has drifted from a task: the table of decision rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from growlearn.domain.drift import DriftTestResult
from growlearn.domain.drift_config import DriftConfig
from growlearn.drift.decision_rules import DECISION_RULES, DecisionInput
from growlearn.drift.error_rate import compare_error_rates
from growlearn.drift.task_data import TaskComparisonData

CONFIG = DriftConfig(min_effect_size=0.1, min_error_increase=0.05)


def score(detector: str, p_value: float, effect: float = 0.5) -> DriftTestResult:
    return DriftTestResult(
        detector=detector,
        task="a",
        name="all outputs",
        statistic=effect,
        p_value=p_value,
        threshold=0.01,
        reference_rows=200,
        window_rows=200,
        effect_size=effect,
    )


@pytest.fixture
def decision_input(make_side: Any) -> DecisionInput:
    side = make_side()
    sides = TaskComparisonData(task="a", reference_sample=side, window_sample=side)
    return DecisionInput(data=sides, scores=(score("a", 0.5),), error_change=None, error_threshold=0.01)


SIGNIFICANT, NOT_SIGNIFICANT = score("a", 0.001), score("b", 0.5)


@pytest.mark.parametrize(
    ("rule", "scores", "shifted"),
    [
        ("any", (NOT_SIGNIFICANT,), False),
        ("any", (SIGNIFICANT, NOT_SIGNIFICANT), True),
        ("majority", (SIGNIFICANT, NOT_SIGNIFICANT), False),
        ("majority", (SIGNIFICANT, score("c", 0.001), NOT_SIGNIFICANT), True),
        (
            "majority",
            (SIGNIFICANT, SIGNIFICANT, NOT_SIGNIFICANT),
            False,
        ),  # two results of one detector are one vote
    ],
)
def test_scores_decide(
    decision_input: DecisionInput, rule: str, scores: tuple[DriftTestResult, ...], shifted: bool
) -> None:
    assert DECISION_RULES[rule](replace(decision_input, scores=scores), CONFIG).shifted is shifted


@pytest.mark.parametrize("rule", ["any", "majority"])
def test_a_significant_but_small_effect_is_no_drift(decision_input: DecisionInput, rule: str) -> None:
    small = (score("a", 1e-9, effect=0.09),)
    assert not DECISION_RULES[rule](replace(decision_input, scores=small), CONFIG).shifted


@pytest.mark.parametrize("rule", ["any", "majority"])
@pytest.mark.parametrize(("wrong", "degraded"), [(0, False), (5, False), (60, True)])
def test_labels_show_degradation(
    decision_input: DecisionInput, make_side: Any, rule: str, wrong: int, degraded: bool
) -> None:
    error_change = compare_error_rates(make_side(400), make_side(200, wrong=wrong), 30)
    result = DECISION_RULES[rule](replace(decision_input, error_change=error_change), CONFIG)
    assert (result.shifted, result.degraded) == (False, degraded)


def test_a_significant_but_small_error_increase_is_no_degradation(
    decision_input: DecisionInput, make_side: Any
) -> None:
    error_change = compare_error_rates(make_side(4000), make_side(4000, wrong=100), 30)
    assert error_change is not None
    assert error_change.p_value < 1e-6
    assert not DECISION_RULES["any"](replace(decision_input, error_change=error_change), CONFIG).degraded


def test_the_monitor_state_is_updated_and_described(
    decision_input: DecisionInput, make_outputs: Any, make_side: Any
) -> None:
    def side(seed: int, lean: float) -> Any:
        outputs = make_outputs(seed, lean=lean, rows=600)
        return replace(make_side(600, labelled=0), outputs=outputs)

    sides = TaskComparisonData(task="a", reference_sample=side(0, 0.0), window_sample=side(1, 0.0))
    first = DECISION_RULES["sequential"](replace(decision_input, data=sides), CONFIG)
    assert not first.shifted
    assert first.monitor_state is not None
    assert first.monitor_state.scores is not None
    assert first.monitor_state.scores.num_windows == 1
    later = replace(sides, monitor_state=first.monitor_state, window_sample=side(2, 2.0))
    second = DECISION_RULES["sequential"](replace(decision_input, data=later), CONFIG)
    assert second.shifted
    assert second.description is not None
    assert "2 windows" in second.description
