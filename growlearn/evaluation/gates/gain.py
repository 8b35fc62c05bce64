"""The new branch must answer its task better than what was there before."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import ROUNDING, Evidence


def gain(evidence: Evidence, spec: GateSpec) -> GateResult:
    """Accuracy on the new task minus the best there was without the branch: at least min_gain.

    That is the model at birth, an earlier task that has all the classes, or chance.
    """
    evaluation = evidence.evaluation
    now = evaluation.accuracy(evaluation.task)
    rivals = [(evaluation.before.accuracy, "before growing"), (evaluation.chance, "by chance")]
    if evaluation.known is not None:
        rivals.append((evaluation.known.accuracy, f"by task {evaluation.known.task!r} as it is"))
    rival, named = max(rivals, key=lambda each: each[0])
    figure = now - rival
    return GateResult(
        gate="gain",
        figure=figure,
        bound=spec.min_gain,
        passed=figure >= spec.min_gain - ROUNDING,
        reason=f"{now:.2%} right on task {evaluation.task!r}, {rival:.2%} {named}",
    )
