"""No earlier task may get worse than in its best evaluation."""

from __future__ import annotations

from growlearn.domain.evaluation import Evaluation, GateResult, TaskScore, common_metric, gain
from growlearn.domain.job import GateConfig
from growlearn.domain.metric import ACCURACY, METRICS
from growlearn.domain.refinement_score import RefinementScore
from growlearn.evaluation.gates.gate_input import TOLERANCE, GateInput


def forgetting(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Largest drop of an earlier task below its best past value by the job's metric: at most max_forgetting.

    An earlier task that was not evaluated again counts as forgotten completely. A consolidated candidate is
    compared with its teacher, and later growth with the consolidated model. A refined task is compared with
    its version before on all hold-out rows that it has now, by accuracy or a metric that stands in for it,
    and a loss there within chance counts as none (McNemar's exact test, or a randomisation test):
    `earlier_rows_loss` guards its earlier ones. Later growth is compared with the refined one.
    """
    teacher_scores = gate_input.evaluation.teacher
    best = {score.task: score for score in teacher_scores} or _best_past(gate_input.past_evaluations)
    now = {score.task: score for score in gate_input.evaluation.task_scores}
    drops = {task: gain(score, now[task]) if task in now else score.accuracy for task, score in best.items()}
    refinement, refined = gate_input.evaluation.refinement, gate_input.evaluation.task
    if refinement is not None:
        drops[refined] = _drop_beyond_chance(refinement)
    worst = max(drops, key=drops.__getitem__, default=None)
    value = 0.0 if worst is None else drops[worst]
    return GateResult(
        gate="forgetting",
        value=value,
        threshold=config.max_forgetting,
        passed=value <= config.max_forgetting + TOLERANCE,
        reason=_format_reason(worst, best, now)
        if refinement is None or worst != refined
        else _format_refined_reason(refined, refinement),
    )


def _drop_beyond_chance(refinement: RefinementScore) -> float:
    rows, change = refinement.both, refinement.both.by_metric
    drop = rows.accuracy_before - rows.accuracy_after if change is None else change.before - change.after
    return min(drop, 0.0) if rows.p_drop >= refinement.alpha else drop


def _format_refined_reason(task: str, refinement: RefinementScore) -> str:
    both, change = refinement.both, refinement.both.by_metric
    values = (both.accuracy_before, both.accuracy_after) if change is None else (change.before, change.after)
    metric = ACCURACY if change is None else METRICS[change.metric]
    before, after = map(metric.format_value, values)
    name = "" if metric.is_accuracy else f" {metric.name}"
    rows = f"{both.rows} hold-out rows, earlier and new (p = {both.p_drop:.2g})"
    return f"refined task {task!r}: {before}{name} before, {after} now on {rows}"


def _best_past(past_evaluations: tuple[Evaluation, ...]) -> dict[str, TaskScore]:
    best: dict[str, TaskScore] = {}
    for evaluation in past_evaluations:
        if evaluation.teacher:
            best = {}  # later candidates are compared with the consolidated model
        if evaluation.refinement is not None:
            best.pop(evaluation.task, None)  # and with the refined task, which has more hold-out rows
        for score in evaluation.task_scores:
            if score.task not in best or gain(score, best[score.task]) > 0:
                best[score.task] = score
    return best


def _format_reason(worst: str | None, best: dict[str, TaskScore], now: dict[str, TaskScore]) -> str:
    if worst is None:
        return "there is no earlier task to forget"
    if worst not in now:
        return f"task {worst!r} was not evaluated again"
    metric = common_metric(best[worst], now[worst])
    before, after = (metric.format_value(score.value_by(metric)) for score in (best[worst], now[worst]))
    name = "" if metric.is_accuracy else f" {metric.name}"
    note = now[worst].fallback_note(metric)
    return f"task {worst!r} changed most: best {before}, now {after}{name}{note}"
