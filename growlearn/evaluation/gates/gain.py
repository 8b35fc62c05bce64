"""The new branch must answer its task better than what was there before."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import ROUNDING, Evidence


def gain(evidence: Evidence, spec: GateSpec) -> GateResult:
    """Accuracy on the new task minus the better of chance and the model at birth: at least min_gain."""
    evaluation = evidence.evaluation
    now = evaluation.accuracy(evaluation.task)
    before = evaluation.before.accuracy
    rival = max(before, evaluation.chance)
    figure = now - rival
    named = "before growing" if before >= evaluation.chance else "by chance"
    return GateResult(
        gate="gain",
        figure=figure,
        bound=spec.min_gain,
        passed=figure >= spec.min_gain - ROUNDING,
        reason=f"{now:.2%} right on task {evaluation.task!r}, {rival:.2%} {named}",
    )
