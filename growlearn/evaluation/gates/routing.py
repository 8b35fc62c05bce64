"""Rows that name no task must still find the way to theirs."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import ROUNDING, Evidence


def routing(evidence: Evidence, spec: GateSpec) -> GateResult:
    """Largest drop of an earlier task, answered without its name: at most max_routed_loss.

    Two tasks that look alike and want different answers cannot be told apart: a window whose labels were
    permuted, say, would take rows from the task that it contradicts.
    """
    before = _before(evidence)
    now = {cell.task: cell.accuracy for cell in evidence.evaluation.routed}
    drops = {task: share - now[task] for task, share in before.items() if task in now}
    worst = max(drops, key=drops.__getitem__, default=None)
    figure = 0.0 if worst is None else drops[worst]
    return GateResult(
        gate="routing",
        figure=figure,
        bound=spec.max_routed_loss,
        passed=figure <= spec.max_routed_loss + ROUNDING,
        reason="no rows have to be routed"
        if worst is None
        else f"without its name task {worst!r}: {now[worst]:.2%} right, {before[worst]:.2%} before",
    )


def _before(evidence: Evidence) -> dict[str, float]:
    """What the model grown from answers without names; all there is of one whose rows had one task."""
    taught = evidence.evaluation.taught
    if not evidence.past:
        return {cell.task: cell.accuracy for cell in taught}
    latest = evidence.past[-1]
    return {cell.task: cell.accuracy for cell in (*latest.cells, *latest.routed)}
