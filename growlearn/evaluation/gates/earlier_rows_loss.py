"""A refinement may not raise the loss on the task's earlier rows."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateConfig
from growlearn.domain.refinement_score import RefinementScore
from growlearn.evaluation.gates.gate_input import GateInput, pass_new_task


def earlier_rows_loss(gate_input: GateInput, config: GateConfig) -> GateResult:  # noqa: ARG001 - threshold: alpha
    """The p-value of "the log loss is no higher" on the task's earlier hold-out rows: alpha or more.

    A rise beyond chance passes where the loss on all rows makes up for it (RefinementScore). Passes with
    value 1 where the task is a new one.
    """
    refinement = gate_input.evaluation.refinement
    if refinement is None:
        return pass_new_task("earlier_rows_loss", value=1.0)
    change = refinement.earlier
    return GateResult(
        gate="earlier_rows_loss",
        value=change.p_increase,
        threshold=refinement.alpha,
        passed=refinement.keeps_earlier_loss,
        reason=f"log loss {change.loss_before:.4f} before and {change.loss_after:.4f} now on {change.rows} "
        f"earlier hold-out rows (p = {change.p_increase:.2g} that it did not rise)"
        + (_describe_all_rows(refinement) if change.p_increase < refinement.alpha else ""),
    )


def _describe_all_rows(refinement: RefinementScore) -> str:
    """What may make up for a rise."""
    change, opened = refinement.both, refinement.opened_loss
    instead = "" if opened is None else f", {opened:.4f} with a new task"
    return (
        f"; on all {change.rows} rows {change.loss_before:.4f} before, {change.loss_after:.4f} now"
        f" (p = {change.p_decrease:.2g} that it did not fall){instead}"
    )
