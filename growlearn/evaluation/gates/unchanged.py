"""Every earlier task must answer bit for bit as it did."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import Evidence


def unchanged(evidence: Evidence, spec: GateSpec) -> GateResult:  # noqa: ARG001 - the promise has no bound
    """Number of earlier tasks whose frozen weights or probe answers changed: must be 0."""
    changed = evidence.evaluation.changed
    told = f"no longer answered bit for bit: {', '.join(map(repr, changed))}"
    return GateResult(
        gate="unchanged",
        figure=float(len(changed)),
        bound=0.0,
        passed=not changed,
        reason=told if changed else "earlier tasks equal to the last bit",
    )
