from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import ShadowPromotion
from growlearn.domain.window import WindowState
from growlearn.registry.decide import decide_by_gates


def gate(name: str, passed: bool) -> GateResult:
    return GateResult(gate=name, value=0.0, threshold=0.0, passed=passed, reason=f"{name} reason")


GOOD = (gate("min_gain", True), gate("loss_decrease", True))


def test_a_candidate_that_passes_all_gates_is_promoted() -> None:
    decision = decide_by_gates(GOOD, "auto", 1)
    assert decision.state is WindowState.PROMOTED
    assert decision.reason == "all 2 gates passed: min_gain reason; loss_decrease reason"


def test_or_waits_for_approval_where_a_person_promotes() -> None:
    decision = decide_by_gates(GOOD, "manual", 1)
    assert decision.state is WindowState.PENDING_APPROVAL
    assert "waiting for a person to promote it" in decision.reason


def test_one_failed_gate_rejects_whoever_promotes() -> None:
    for promote in ("auto", "manual"):
        decision = decide_by_gates((*GOOD, gate("max_parameters", False)), promote, 1)
        assert decision.state is WindowState.REJECTED
        assert decision.reason == "1 of 3 gates failed: max_parameters: max_parameters reason"


def test_a_candidate_may_become_a_challenger_for_some_windows() -> None:
    decision = decide_by_gates(GOOD, ShadowPromotion(shadow_windows=3), 1)
    assert decision.state is WindowState.PENDING_APPROVAL
    assert f"all {len(GOOD)} gates passed, a challenger for 3 more windows: " in decision.reason


def test_without_a_champion_it_is_promoted_at_once() -> None:
    assert decide_by_gates(GOOD, ShadowPromotion(shadow_windows=3), None).state is WindowState.PROMOTED
