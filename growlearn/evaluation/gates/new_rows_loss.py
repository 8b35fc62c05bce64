"""A refinement must lower the loss on the new rows."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.gate_input import GateInput, pass_new_task


def new_rows_loss(gate_input: GateInput, config: GateConfig) -> GateResult:  # noqa: ARG001 - threshold: alpha
    """The p-value of "the log loss is no lower", on the new hold-out rows or on all of the task: below alpha.

    The mean on the new rows must be lower too. Passes with value 0 where the task is a new one.
    """
    refinement = gate_input.evaluation.refinement
    if refinement is None:
        return pass_new_task("new_rows_loss", value=0.0)
    shown = refinement.new or refinement.both
    return GateResult(
        gate="new_rows_loss",
        value=refinement.p_decrease,
        threshold=refinement.alpha,
        passed=refinement.lowers_new_loss,
        reason=f"log loss {shown.loss_before:.4f} before and {shown.loss_after:.4f} now on {shown.rows} "
        f"{'hold-out' if refinement.new is None else 'new hold-out'} rows (p = {refinement.p_decrease:.2g})",
    )
