"""What a job may say of drift, and its defaults."""

from __future__ import annotations

import pytest

from growlearn.domain.drift_config import DriftConfig


@pytest.mark.parametrize(
    ("decision_rule", "effect_size"), [("any", 0.03), ("majority", 0.03), ("sequential", 0.01)]
)
def test_each_decision_rule_has_its_default_min_effect_size(decision_rule: str, effect_size: float) -> None:
    assert DriftConfig(decision_rule=decision_rule).min_effect_size_or_default == effect_size
    given = DriftConfig(decision_rule=decision_rule, min_effect_size=0.0)
    assert given.min_effect_size_or_default == 0.0


@pytest.mark.parametrize("effect_size", [-0.01, 1.0, float("nan")])
def test_an_invalid_min_effect_size_is_rejected(effect_size: float) -> None:
    with pytest.raises(ValueError, match="min_effect_size is a share of 1"):
        DriftConfig(min_effect_size=effect_size)


def test_a_false_alarm_budget_needs_the_sequential_decision_rule() -> None:
    with pytest.raises(ValueError, match="false_alarm_budget needs decision_rule sequential"):
        DriftConfig(false_alarm_budget={"max_alarms": 1})  # type: ignore[arg-type]
