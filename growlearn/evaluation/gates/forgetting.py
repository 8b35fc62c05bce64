"""No earlier task may be answered worse than it once was."""

from __future__ import annotations

from growlearn.domain.evaluation import Evaluation, GateResult
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import ROUNDING, Evidence


def forgetting(evidence: Evidence, spec: GateSpec) -> GateResult:
    """Largest drop of an earlier task below its best past accuracy: at most max_forgetting.

    An earlier task that was not measured again counts as wholly forgotten. A consolidated candidate is
    held against the model consolidated, and what is grown later against what the consolidation left.
    """
    taught = evidence.evaluation.taught
    best = {cell.task: cell.accuracy for cell in taught} or _best_past(evidence.past)
    now = {cell.task: cell.accuracy for cell in evidence.evaluation.cells}
    drops = {task: accuracy - now.get(task, 0.0) for task, accuracy in best.items()}
    worst = max(drops, key=drops.__getitem__, default=None)
    figure = 0.0 if worst is None else drops[worst]
    return GateResult(
        gate="forgetting",
        figure=figure,
        bound=spec.max_forgetting,
        passed=figure <= spec.max_forgetting + ROUNDING,
        reason=_reason(worst, best, now),
    )


def _best_past(past: tuple[Evaluation, ...]) -> dict[str, float]:
    best: dict[str, float] = {}
    for evaluation in past:
        if evaluation.taught:
            best = {}  # promoted with what it lost: that is not held against later candidates
        for cell in evaluation.cells:
            best[cell.task] = max(cell.accuracy, best.get(cell.task, 0.0))
    return best


def _reason(worst: str | None, best: dict[str, float], now: dict[str, float]) -> str:
    if worst is None:
        return "there is no earlier task to forget"
    if worst not in now:
        return f"task {worst!r} was not measured again"
    return f"task {worst!r} changed most: {best[worst]:.2%} at its best, {now[worst]:.2%} now"
