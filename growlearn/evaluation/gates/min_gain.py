"""The candidate must be more accurate on its new task than anything without the new branch."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.gate_input import TOLERANCE, GateInput


def min_gain(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Accuracy on the new task minus the best one without the branch: at least min_gain.

    The best of the model before training, an earlier task with all the classes, and chance.
    """
    evaluation = gate_input.evaluation
    accuracy = evaluation.accuracy(evaluation.task)
    alternatives = [(evaluation.initial.accuracy, "before training"), (evaluation.chance_level, "by chance")]
    if evaluation.best_existing is not None:
        alternatives.append(
            (evaluation.best_existing.accuracy, f"with task {evaluation.best_existing.task!r}")
        )
    best, best_name = max(alternatives, key=lambda alternative: alternative[0])
    improvement = accuracy - best
    return GateResult(
        gate="min_gain",
        value=improvement,
        threshold=config.min_gain,
        passed=improvement >= config.min_gain - TOLERANCE,
        reason=f"{accuracy:.2%} accuracy on task {evaluation.task!r}, {best:.2%} {best_name}",
    )
