"""What becomes of an evaluated candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import PromoteAfter
from growlearn.domain.window import WindowState


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Where the window goes, and why in one sentence."""

    state: WindowState
    reason: str


def decide(
    gates: Sequence[GateResult], promote: Literal["auto", "manual"] | PromoteAfter, champion: int | None
) -> Decision:
    """Rejected where a gate fails; promoted where all hold, or held for a person or for a trial.

    Without a champion there is nobody to be tried against.
    """
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
    if isinstance(promote, PromoteAfter) and champion is not None:
        reason = f"all {len(gates)} gates passed, a challenger for {promote.after} more windows: {told}"
        return Decision(state=WindowState.HELD, reason=reason)
    return Decision(state=WindowState.PROMOTED, reason=f"all {len(gates)} gates passed: {told}")
