"""Every task must be answered well enough to be served."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import ROUNDING, Evidence


def floor(evidence: Evidence, spec: GateSpec) -> GateResult:
    """Accuracy of the task that is answered worst: at least min_accuracy."""
    worst = min(evidence.evaluation.cells, key=lambda cell: cell.accuracy)
    return GateResult(
        gate="floor",
        figure=worst.accuracy,
        bound=spec.min_accuracy,
        passed=worst.accuracy >= spec.min_accuracy - ROUNDING,
        reason=f"{worst.accuracy:.2%} right on task {worst.task!r}, the least of all",
    )
