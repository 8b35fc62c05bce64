"""Rows that name no task must still find the way to theirs."""

from __future__ import annotations

from collections.abc import Sequence

from growlearn.domain.evaluation import Cell, Evaluation, GateResult, Succession
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import ROUNDING, Evidence


def routing(evidence: Evidence, spec: GateSpec) -> GateResult:
    """Largest drop of an earlier task, answered without its name: at most max_routed_loss.

    Two tasks that look alike and want different answers cannot be told apart: a window whose labels were
    permuted, say, would take rows from the task that it contradicts. A superseded one has none to lose.
    """
    drops = routed_losses(evidence.evaluation, evidence.past)
    worst = max(drops, key=drops.__getitem__, default=None)
    figure = 0.0 if worst is None else drops[worst]
    return GateResult(
        gate="routing",
        figure=figure,
        bound=spec.max_routed_loss,
        passed=figure <= spec.max_routed_loss + ROUNDING,
        reason=_reason(evidence, worst),
    )


def routed_losses(evaluation: Evaluation, past: Sequence[Evaluation]) -> dict[str, float]:
    """By earlier task, how much less of its rows is answered right without its name than before, 0 to 1.

    past are the evaluations of the versions that the candidate grew from, oldest first.
    """
    before = _before(evaluation, past)
    now = _shares(evaluation.routed)
    return {task: share - now[task] for task, share in before.items() if task in now}


def _before(evaluation: Evaluation, past: Sequence[Evaluation]) -> dict[str, float]:
    """What the model grown from answers without names; all there is of one whose rows had one task."""
    if not past:
        return _shares(evaluation.taught)
    return _shares((*past[-1].cells, *past[-1].routed))


def _reason(evidence: Evidence, worst: str | None) -> str:
    before, now = _before(evidence.evaluation, evidence.past), _shares(evidence.evaluation.routed)
    told = "no rows have to be routed"
    if worst is not None:
        told = f"without its name task {worst!r}: {now[worst]:.2%} right, {before[worst]:.2%} before"
    succession = evidence.evaluation.succession
    if succession is None:
        return told
    gone = ", ".join(map(repr, succession.tasks))
    return f"{told}; {evidence.evaluation.task!r} takes the place of {gone}, as {_agreed(succession)}"


def _agreed(succession: Succession) -> str:
    pairs = zip(succession.windows, succession.cells, strict=True)
    return "it answers " + ", ".join(f"{cell.accuracy:.2%} of {window}" for window, cell in pairs) + " too"


def _shares(cells: Sequence[Cell]) -> dict[str, float]:
    return {cell.task: cell.accuracy for cell in cells}
