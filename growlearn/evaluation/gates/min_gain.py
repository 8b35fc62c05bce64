"""The candidate must be better on its new task than anything without the new branch."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult, common_metric
from growlearn.domain.job import GateConfig
from growlearn.domain.metric import Metric
from growlearn.evaluation.gates.gate_input import TOLERANCE, GateInput, pass_known_answer


def min_gain(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Gain on the new task, by the job's metric, over the best without the branch: at least min_gain.

    The best of the model before training, an earlier task with all the classes, and chance. Where a known
    answer is taken as it is, chance alone, which its accuracy must exceed by its confidence interval too.
    """
    evaluation = gate_input.evaluation
    score = evaluation.score(evaluation.task)
    metric, alternatives = _list_alternatives(gate_input)
    if not alternatives:
        return pass_known_answer("min_gain", str(gate_input.kept_task))
    best, best_name = max(alternatives, key=lambda alternative: metric.merit(alternative[0]))
    improvement = metric.merit(score.value_by(metric)) - metric.merit(best)
    is_sure = gate_input.kept_task is None or not metric.is_accuracy or score.interval.low > best
    return GateResult(
        gate="min_gain",
        value=improvement,
        threshold=config.min_gain,
        passed=improvement >= config.min_gain - TOLERANCE and is_sure,
        reason=f"{score.describe(metric)} on task {score.task!r}, {metric.format_value(best)} {best_name}",
    )


def _list_alternatives(gate_input: GateInput) -> tuple[Metric, list[tuple[float, str]]]:
    """The metric that all are measured by, and what is without the branch, with what it is called."""
    evaluation = gate_input.evaluation
    initial, existing = evaluation.initial, evaluation.best_existing
    scores = evaluation.score(evaluation.task), initial, *(() if existing is None else (existing,))
    metric = common_metric(*scores)
    chance = evaluation.chance(metric)
    by_chance = [] if chance is None else [(chance, "by chance")]
    if gate_input.kept_task is not None:
        return metric, by_chance
    known = [] if existing is None else [(existing.value_by(metric), f"with task {existing.task!r}")]
    return metric, [(initial.value_by(metric), "before training"), *by_chance, *known]
