"""The model may not outgrow its bound."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import Evidence


def size(evidence: Evidence, spec: GateSpec) -> GateResult:
    """Parameters of the whole candidate: at most max_parameters, where the job sets it.

    Without a bound the candidate's own size stands in for it, so that every stored figure is finite.
    """
    parameters = evidence.parameters
    bound = parameters if spec.max_parameters is None else spec.max_parameters
    allowed = "no bound is set" if spec.max_parameters is None else f"{bound:,} are allowed"
    return GateResult(
        gate="size",
        figure=float(parameters),
        bound=float(bound),
        passed=parameters <= bound,
        reason=f"{parameters:,} parameters, {allowed}",
    )
