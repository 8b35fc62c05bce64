"""Each new branch must further reduce the loss."""

from __future__ import annotations

import math

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.gate_input import GateInput, pass_known_answer


def loss_decrease(gate_input: GateInput, config: GateConfig) -> GateResult:  # noqa: ARG001 - any decrease passes
    """Validation loss before training minus the best one, in nats: above 0.

    Where training diverged the recorded value is 0, and the gate does not pass. Passes with value 0 where a
    known answer is taken as it is.
    """
    if gate_input.kept_task is not None:
        return pass_known_answer("loss_decrease", gate_input.kept_task)
    result = gate_input.result
    decrease = result.initial_loss - result.best_loss
    return GateResult(
        gate="loss_decrease",
        value=decrease if math.isfinite(decrease) else 0.0,
        threshold=0.0,
        passed=result.improved and math.isfinite(decrease),
        reason=f"validation loss {result.initial_loss:.4f} before training, {result.best_loss:.4f} at best",
    )
