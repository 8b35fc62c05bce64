"""What becomes of an evaluated candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from growlearn.domain.evaluation import GateResult
from growlearn.domain.window import WindowState


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Where the window goes, and why in one sentence."""

    state: WindowState
    reason: str


def decide(gates: Sequence[GateResult], promote: Literal["auto", "manual"]) -> Decision:
    """Rejected where a gate fails; promoted where all hold, or held where a person is to promote."""
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        told = "; ".join(f"{gate.gate}: {gate.reason}" for gate in failed)
        return Decision(
            state=WindowState.REJECTED, reason=f"{len(failed)} of {len(gates)} gates failed: {told}"
        )
    told = "; ".join(gate.reason for gate in gates)
    if promote == "manual":
        reason = f"all {len(gates)} gates passed, waiting for a person to promote it: {told}"
        return Decision(state=WindowState.HELD, reason=reason)
    return Decision(state=WindowState.PROMOTED, reason=f"all {len(gates)} gates passed: {told}")
