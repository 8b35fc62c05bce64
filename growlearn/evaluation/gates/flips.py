"""What was answered right may not be answered wrong now."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import ROUNDING, Evidence


def flips(evidence: Evidence, spec: GateSpec) -> GateResult:
    """Largest share of negative flips of any task: at most max_negative_flips."""
    worst = max(evidence.flips, key=lambda each: each.negative, default=None)
    figure = 0.0 if worst is None else worst.negative
    return GateResult(
        gate="flips",
        figure=figure,
        bound=spec.max_negative_flips,
        passed=figure <= spec.max_negative_flips + ROUNDING,
        reason="no row was answered before"
        if worst is None
        else f"{worst.lost} of {worst.rows} rows of task {worst.task!r} were right before and are wrong now",
    )
