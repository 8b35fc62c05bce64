"""Few rows may change from a correct to a wrong prediction."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult, PredictionFlips
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.gate_input import TOLERANCE, GateInput
from growlearn.evaluation.paired_tests import mcnemar_p_value


def negative_flips(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Largest rate of negative flips of any task: at most max_negative_flip_rate.

    Those of the task that was grown do not count where it is answered better beyond chance: the weaker the
    model before, the more rows a better one changes.
    """
    gains = {flips: _describe_gain(flips, gate_input) for flips in gate_input.flips}
    counted = [flips for flips, gain in gains.items() if gain is None]
    worst = max(counted, key=lambda task_flips: task_flips.negative_rate, default=None)
    value = 0.0 if worst is None else worst.negative_rate
    excused = [_format_gain(flips, gain) for flips, gain in gains.items() if gain is not None]
    return GateResult(
        gate="negative_flips",
        value=value,
        threshold=config.max_negative_flip_rate,
        passed=value <= config.max_negative_flip_rate + TOLERANCE,
        reason="; ".join([_format_reason(worst, bool(excused)), *excused]),
    )


def _describe_gain(flips: PredictionFlips, gate_input: GateInput) -> str | None:
    """By what the grown task gained beyond chance, McNemar's exact test or the job's metric; None if not."""
    if flips.task != gate_input.evaluation.task or not flips.negative_count:
        return None
    refinement, selection = gate_input.evaluation.refinement, gate_input.model_selection
    if refinement is None:
        return f"better by {selection.metric}" if selection and selection.outperforms_no_change else None
    change = refinement.both.by_metric
    if change is not None and change.p_rise < refinement.alpha:
        return f"better by {change.metric}"
    p_value = mcnemar_p_value(flips.positive_count, flips.negative_count)
    return "right more often" if p_value < refinement.alpha else None


def _format_reason(worst: PredictionFlips | None, others: bool) -> str:
    if worst is None:
        return "no row of another task was predicted before" if others else "no row was predicted before"
    return f"{worst.negative_count} of {worst.rows} rows of task {worst.task!r} were correct before, not now"


def _format_gain(flips: PredictionFlips, gain: str) -> str:
    return (
        f"task {flips.task!r} is answered {gain}, beyond chance: {flips.positive_count} of {flips.rows} rows "
        f"are correct now only, {flips.negative_count} were before only"
    )
