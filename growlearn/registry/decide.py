"""The decision on an evaluated candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import ShadowPromotion
from growlearn.domain.window import WindowState


@dataclass(frozen=True, kw_only=True)
class GateDecision:
    """The next state of the window, and the reason in one sentence."""

    state: WindowState
    reason: str


def decide_by_gates(
    gates: Sequence[GateResult], promote: Literal["auto", "manual"] | ShadowPromotion, champion: int | None
) -> GateDecision:
    """Rejected where a gate fails, else promoted, or pending where a person or more windows must confirm.

    Without a champion there is nothing to compare a challenger with, so the candidate is promoted.
    """
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        gate_reasons = "; ".join(f"{gate.gate}: {gate.reason}" for gate in failed)
        return GateDecision(
            state=WindowState.REJECTED, reason=f"{len(failed)} of {len(gates)} gates failed: {gate_reasons}"
        )
    gate_reasons = "; ".join(gate.reason for gate in gates)
    if promote == "manual":
        reason = f"all {len(gates)} gates passed, waiting for a person to promote it: {gate_reasons}"
        return GateDecision(state=WindowState.PENDING_APPROVAL, reason=reason)
    if isinstance(promote, ShadowPromotion) and champion is not None:
        trial = f"a challenger for {promote.shadow_windows} more windows"
        reason = f"all {len(gates)} gates passed, {trial}: {gate_reasons}"
        return GateDecision(state=WindowState.PENDING_APPROVAL, reason=reason)
    return GateDecision(state=WindowState.PROMOTED, reason=f"all {len(gates)} gates passed: {gate_reasons}")
