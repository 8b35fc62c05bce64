"""When labels come to mean something else for good, the task that says so takes the place of the old one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from growlearn.domain.evaluation import Cell, Evaluation, Succession
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.domain.job import GateSpec
from growlearn.domain.lineage import Manifest
from growlearn.domain.window import Verdict, Window, WindowState
from growlearn.evaluation.gates.evidence import ROUNDING
from growlearn.evaluation.gates.routing import routed_losses
from growlearn.evaluation.measure import routed
from growlearn.ports import Evaluator, Question

_SILENT = (None, Verdict.CANNOT_JUDGE, Verdict.FULL)
_IN_VAIN = (WindowState.REJECTED, WindowState.SETTLED)


def supersede(
    plan: GrowthPlan,
    result: GrowthResult,
    evaluation: Evaluation,
    past: Sequence[Evaluation],
    earlier: Sequence[Window],
    holdouts: Sequence[Question],
    spec: GateSpec,
    evaluator: Evaluator,
) -> tuple[GrowthResult, Evaluation]:
    """Let a new task succeed those it cannot be routed apart from, where enough windows in a row ask for it.

    One window may be wrong: the gate `routing` refuses it. Of `supersede_after` in a row that called for
    growth the last is let in, if what it learned answers the rows of those before, which it never saw, as
    well as its own (within `max_routed_loss`). Asked by name, a superseded task answers as ever.
    past are the evaluations of the versions grown from, earlier the stream's windows, both oldest first.
    """
    losses = routed_losses(evaluation, past)
    lost = tuple(task for task, loss in losses.items() if loss > spec.max_routed_loss + ROUNDING)
    if spec.supersede_after is None or not lost:
        return result, evaluation
    candidate = result.manifest_of(plan)
    least = evaluation.accuracy(plan.task) - spec.max_routed_loss
    agreeing = _agreeing(candidate, plan.task, earlier, spec.supersede_after - 1, least, evaluator)
    if len(agreeing) < spec.supersede_after - 1:
        return result, evaluation
    result = replace(result, superseded=lost)
    succession = Succession(
        tasks=lost, windows=tuple(window for window, _ in agreeing), cells=tuple(cell for _, cell in agreeing)
    )
    answers = routed(result.manifest_of(plan), holdouts, evaluator)
    return result, replace(evaluation, routed=answers, succession=succession)


def _agreeing(
    candidate: Manifest, task: str, earlier: Sequence[Window], wanted: int, least: float, evaluator: Evaluator
) -> list[tuple[str, Cell]]:
    """The latest windows in a row that called for growth in vain and are answered well enough by the task."""
    found: list[tuple[str, Cell]] = []
    for window in reversed(earlier):
        if len(found) == wanted:
            break
        if window.verdict in _SILENT or window.state is WindowState.WAITING:
            continue
        cell = _answered(candidate, task, window, evaluator)
        if cell is None or cell.accuracy < least:
            break
        found.append((window.id, cell))
    return found


def _answered(candidate: Manifest, task: str, window: Window, evaluator: Evaluator) -> Cell | None:
    """What the task answers to all rows of a window that called for growth in vain; None of another."""
    assert window.verdict is not None, "a silent window is not asked"
    if not window.verdict.calls_for_growth or window.state not in _IN_VAIN or window.snapshot is None:
        return None
    (cell,) = evaluator.evaluate(candidate, [Question(task=task, rows=window.snapshot)])
    return cell if cell.rows else None
