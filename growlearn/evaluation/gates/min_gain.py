"""The candidate must be better on its new task than anything without the new branch."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult, common_metric
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.gate_input import TOLERANCE, GateInput


def min_gain(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Gain on the new task, by the job's metric, over the best without the branch: at least min_gain.

    The best of the model before training, an earlier task with all the classes, and chance.
    """
    evaluation = gate_input.evaluation
    score, existing = evaluation.score(evaluation.task), evaluation.best_existing
    metric = common_metric(score, evaluation.initial, *(() if existing is None else (existing,)))
    alternatives = [(evaluation.initial.value_by(metric), "before training")]
    chance = evaluation.chance(metric)
    if chance is not None:
        alternatives.append((chance, "by chance"))
    if existing is not None:
        alternatives.append((existing.value_by(metric), f"with task {existing.task!r}"))
    best, best_name = max(alternatives, key=lambda alternative: metric.merit(alternative[0]))
    improvement = metric.merit(score.value_by(metric)) - metric.merit(best)
    return GateResult(
        gate="min_gain",
        value=improvement,
        threshold=config.min_gain,
        passed=improvement >= config.min_gain - TOLERANCE,
        reason=f"{score.describe(metric)} on task {score.task!r}, {metric.format_value(best)} {best_name}",
    )
