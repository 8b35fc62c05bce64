"""Every task must reach a minimum, of accuracy or of the job's metric."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult, common_metric
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.gate_input import TOLERANCE, GateInput


def min_accuracy(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Value of the worst task by the job's metric: at least min_accuracy.

    A job whose metric is better the less it is sets no minimum.
    """
    scores = gate_input.evaluation.task_scores
    metric = common_metric(*scores)
    worst = min(scores, key=lambda score: metric.merit(score.value_by(metric)))
    value = worst.value_by(metric)
    return GateResult(
        gate="min_accuracy",
        value=value,
        threshold=config.min_accuracy,
        passed=not metric.greater_is_better or value >= config.min_accuracy - TOLERANCE,
        reason=f"{worst.describe(metric)} on task {worst.task!r}, the lowest",
    )
