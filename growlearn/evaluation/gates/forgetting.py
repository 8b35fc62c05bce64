"""No earlier task may lose accuracy against its best evaluation."""

from __future__ import annotations

from growlearn.domain.evaluation import Evaluation, GateResult
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.gate_input import TOLERANCE, GateInput


def forgetting(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Largest drop of an earlier task below its best past accuracy: at most max_forgetting.

    An earlier task that was not evaluated again counts as forgotten completely. A consolidated candidate is
    compared with its teacher, and later growth with the consolidated model.
    """
    teacher_scores = gate_input.evaluation.teacher
    best = {task_score.task: task_score.accuracy for task_score in teacher_scores} or _best_past(
        gate_input.past_evaluations
    )
    now = {task_score.task: task_score.accuracy for task_score in gate_input.evaluation.task_scores}
    drops = {task: accuracy - now.get(task, 0.0) for task, accuracy in best.items()}
    worst = max(drops, key=drops.__getitem__, default=None)
    value = 0.0 if worst is None else drops[worst]
    return GateResult(
        gate="forgetting",
        value=value,
        threshold=config.max_forgetting,
        passed=value <= config.max_forgetting + TOLERANCE,
        reason=_format_reason(worst, best, now),
    )


def _best_past(past_evaluations: tuple[Evaluation, ...]) -> dict[str, float]:
    best: dict[str, float] = {}
    for evaluation in past_evaluations:
        if evaluation.teacher:
            best = {}  # later candidates are compared with the consolidated model
        for task_score in evaluation.task_scores:
            best[task_score.task] = max(task_score.accuracy, best.get(task_score.task, 0.0))
    return best


def _format_reason(worst: str | None, best: dict[str, float], now: dict[str, float]) -> str:
    if worst is None:
        return "there is no earlier task to forget"
    if worst not in now:
        return f"task {worst!r} was not evaluated again"
    return f"task {worst!r} changed most: best {best[worst]:.2%}, now {now[worst]:.2%}"
