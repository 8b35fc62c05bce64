"""Each new branch must further reduce the loss."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import Evidence


def loss(evidence: Evidence, spec: GateSpec) -> GateResult:  # noqa: ARG001 - no bound: any fall will do
    """Validation loss at birth minus at its best, in nats: above 0."""
    result = evidence.result
    return GateResult(
        gate="loss",
        figure=result.birth_loss - result.best_loss,
        bound=0.0,
        passed=result.reduced_loss,
        reason=f"validation loss {result.birth_loss:.4f} at birth, {result.best_loss:.4f} at its best",
    )
