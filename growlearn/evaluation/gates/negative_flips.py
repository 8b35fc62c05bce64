"""Few rows may change from a correct to a wrong prediction."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult, PredictionFlips
from growlearn.domain.job import GateConfig
from growlearn.domain.model_selection import CandidateKind, ModelSelection
from growlearn.evaluation.gates.gate_input import TOLERANCE, GateInput
from growlearn.evaluation.paired_tests import mcnemar_p_value


def negative_flips(gate_input: GateInput, config: GateConfig) -> GateResult:
    """Largest rate of negative flips of any task: at most max_negative_flip_rate.

    Those of the task that was grown do not count where it is answered better beyond chance: the weaker the
    model before, the more rows a better one changes.
    """
    counted = [flips for flips in gate_input.flips if not _is_offset_by_gain(flips, gate_input)]
    worst = max(counted, key=lambda task_flips: task_flips.negative_rate, default=None)
    value = 0.0 if worst is None else worst.negative_rate
    excused = [flips for flips in gate_input.flips if flips not in counted]
    return GateResult(
        gate="negative_flips",
        value=value,
        threshold=config.max_negative_flip_rate,
        passed=value <= config.max_negative_flip_rate + TOLERANCE,
        reason="; ".join([_format_reason(worst, bool(excused)), *map(_format_gain, excused)]),
    )


def _is_offset_by_gain(flips: PredictionFlips, gate_input: GateInput) -> bool:
    """Whether the grown task gained: by McNemar's exact test of a refinement, else by the job's metric."""
    if flips.task != gate_input.evaluation.task or not flips.negative_count:
        return False
    refinement = gate_input.evaluation.refinement
    if refinement is None:
        return _outperforms_unchanged_model(gate_input.model_selection)
    return mcnemar_p_value(flips.positive_count, flips.negative_count) < refinement.alpha


def _outperforms_unchanged_model(selection: ModelSelection | None) -> bool:
    return selection is not None and any(
        comparison.outperformed
        for comparison in selection.comparisons
        if (comparison.smaller, comparison.larger) == (CandidateKind.NO_CHANGE, selection.selected)
    )


def _format_reason(worst: PredictionFlips | None, others: bool) -> str:
    if worst is None:
        return "no row of another task was predicted before" if others else "no row was predicted before"
    return f"{worst.negative_count} of {worst.rows} rows of task {worst.task!r} were correct before, not now"


def _format_gain(flips: PredictionFlips) -> str:
    return (
        f"task {flips.task!r}, answered better beyond chance: {flips.positive_count} of {flips.rows} rows "
        f"are correct now only, {flips.negative_count} were before only"
    )
