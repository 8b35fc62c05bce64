"""The model may not exceed its size limit."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.gate_input import GateInput


def max_parameters(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Parameters of the whole candidate: at most max_parameters, where the job sets it.

    Without a limit the threshold is the candidate's own size, so that every stored value is finite.
    """
    parameters = gate_input.parameters
    threshold = parameters if config.max_parameters is None else config.max_parameters
    limit_text = "no limit is set" if config.max_parameters is None else f"{threshold:,} are allowed"
    return GateResult(
        gate="max_parameters",
        value=float(parameters),
        threshold=float(threshold),
        passed=parameters <= threshold,
        reason=f"{parameters:,} parameters, {limit_text}",
    )
