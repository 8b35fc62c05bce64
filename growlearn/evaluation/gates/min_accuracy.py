"""Every task must reach a minimum accuracy."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.gate_input import TOLERANCE, GateInput


def min_accuracy(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Accuracy of the worst task: at least min_accuracy."""
    worst = min(gate_input.evaluation.task_scores, key=lambda task_score: task_score.accuracy)
    return GateResult(
        gate="min_accuracy",
        value=worst.accuracy,
        threshold=config.min_accuracy,
        passed=worst.accuracy >= config.min_accuracy - TOLERANCE,
        reason=f"{worst.accuracy:.2%} accuracy on task {worst.task!r}, the lowest",
    )
