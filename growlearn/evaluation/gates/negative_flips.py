"""Few rows may change from a correct to a wrong prediction."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult, PredictionFlips
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.gate_input import TOLERANCE, GateInput


def negative_flips(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Largest rate of negative flips of any task: at most max_negative_flip_rate."""
    worst = max(gate_input.flips, key=lambda task_flips: task_flips.negative_rate, default=None)
    value = 0.0 if worst is None else worst.negative_rate
    return GateResult(
        gate="negative_flips",
        value=value,
        threshold=config.max_negative_flip_rate,
        passed=value <= config.max_negative_flip_rate + TOLERANCE,
        reason=_format_reason(worst),
    )


def _format_reason(worst: PredictionFlips | None) -> str:
    if worst is None:
        return "no row was predicted before"
    return f"{worst.negative_count} of {worst.rows} rows of task {worst.task!r} were correct before, not now"
