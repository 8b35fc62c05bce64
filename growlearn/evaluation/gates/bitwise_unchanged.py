"""Every earlier task must keep its logits bit for bit."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateConfig
from growlearn.domain.printable import list_names
from growlearn.evaluation.gates.gate_input import GateInput


def bitwise_unchanged(gate_input: GateInput, config: GateConfig) -> GateResult:  # noqa: ARG001 - no threshold to set
    """Number of earlier tasks whose frozen weights or check logits changed: must be 0."""
    changed, device = gate_input.evaluation.changed_tasks, gate_input.result.check_device
    failure_reason = f"no longer equal bit for bit on {device}: {list_names(changed)}"
    return GateResult(
        gate="bitwise_unchanged",
        value=float(len(changed)),
        threshold=0.0,
        passed=not changed,
        reason=failure_reason if changed else f"earlier tasks are equal bit for bit on {device}",
    )
