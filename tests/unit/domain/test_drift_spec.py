"""The smallest effect that counts, given or by the decision."""

from __future__ import annotations

import pytest

from growlearn.domain.drift_spec import DriftSpec


@pytest.mark.parametrize(("decision", "effect"), [("any", 0.03), ("majority", 0.03), ("anytime", 0.01)])
def test_each_decision_has_a_smallest_effect_of_its_own(decision: str, effect: float) -> None:
    assert DriftSpec(decision=decision).smallest_effect == effect
    assert DriftSpec(decision=decision, min_effect=0.0).smallest_effect == 0.0  # given is given


@pytest.mark.parametrize("effect", [-0.01, 1.0, float("nan")])
def test_an_effect_that_means_nothing_is_refused(effect: float) -> None:
    with pytest.raises(ValueError, match="min_effect is a share of 1"):
        DriftSpec(min_effect=effect)
