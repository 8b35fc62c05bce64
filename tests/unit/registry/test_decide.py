from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import PromoteAfter
from growlearn.domain.window import WindowState
from growlearn.registry.decide import decide


def gate(name: str, passed: bool) -> GateResult:
    return GateResult(gate=name, figure=0.0, bound=0.0, passed=passed, reason=f"{name} said so")


GOOD = (gate("gain", True), gate("loss", True))


def test_a_candidate_that_passes_all_gates_is_promoted() -> None:
    decision = decide(GOOD, "auto", 1)
    assert decision.state is WindowState.PROMOTED
    assert decision.reason == "all 2 gates passed: gain said so; loss said so"


def test_or_held_where_a_person_promotes() -> None:
    decision = decide(GOOD, "manual", 1)
    assert decision.state is WindowState.HELD
    assert "waiting for a person to promote it" in decision.reason


def test_one_failed_gate_rejects_whoever_promotes() -> None:
    for promote in ("auto", "manual"):
        decision = decide((*GOOD, gate("size", False)), promote, 1)
        assert decision.state is WindowState.REJECTED
        assert decision.reason == "1 of 3 gates failed: size: size said so"


def test_a_candidate_may_be_held_for_a_trial_against_the_champion() -> None:
    decision = decide(GOOD, PromoteAfter(after=3), 1)
    assert decision.state is WindowState.HELD
    assert f"all {len(GOOD)} gates passed, a challenger for 3 more windows: " in decision.reason


def test_without_a_champion_there_is_no_trial() -> None:
    assert decide(GOOD, PromoteAfter(after=3), None).state is WindowState.PROMOTED
