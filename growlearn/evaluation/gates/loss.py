"""Each new branch must further reduce the loss."""

from __future__ import annotations

import math

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import Evidence


def loss(evidence: Evidence, spec: GateSpec) -> GateResult:  # noqa: ARG001 - no bound: any fall will do
    """Validation loss at birth minus at its best, in nats: above 0.

    Where training diverged there is no such figure; 0 is recorded, and the gate does not pass.
    """
    result = evidence.result
    fall = result.birth_loss - result.best_loss
    return GateResult(
        gate="loss",
        figure=fall if math.isfinite(fall) else 0.0,
        bound=0.0,
        passed=result.reduced_loss and math.isfinite(fall),
        reason=f"validation loss {result.birth_loss:.4f} at birth, {result.best_loss:.4f} at its best",
    )
