"""The selected candidate must outperform the unchanged model."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateConfig
from growlearn.domain.metric import METRICS
from growlearn.domain.model_selection import ModelSelection, PairedComparison
from growlearn.evaluation.gates.gate_input import GateInput, pass_known_answer


def baseline(gate_input: GateInput, config: GateConfig) -> GateResult:  # noqa: ARG001 - threshold: alpha
    """The p-value of the selected candidate against `no_change`, or of the best one: below its threshold.

    Passes with value 0 where no earlier task has all the classes, so `no_change` was no candidate, and where
    a known answer is taken as it is.
    """
    selection = gate_input.model_selection
    if gate_input.kept_task is not None:
        return pass_known_answer("baseline", gate_input.kept_task)
    if selection is None or not selection.against_no_change:
        return GateResult(
            gate="baseline",
            value=0.0,
            threshold=0.0,
            passed=True,
            reason="no earlier task has all the classes",
        )
    against_no_change = selection.against_no_change
    selected = [comparison for comparison in against_no_change if comparison.larger is selection.selected]
    best = selected[0] if selected else min(against_no_change, key=lambda comparison: comparison.p_value)
    return GateResult(
        gate="baseline",
        value=best.p_value,
        threshold=selection.alpha / len(against_no_change),
        passed=selection.outperforms_no_change,
        reason=_format_reason(best, selection),
    )


def _format_reason(best: PairedComparison, selection: ModelSelection) -> str:
    metric, required = METRICS[selection.metric], selection.min_accuracy_gain
    required_text = (
        "" if best.outperformed or not required else f"; {metric.format_bound(required)} are required"
    )
    verdict = "outperforms" if best.outperformed else "does not outperform"
    interval = metric.format_interval(best.low, best.high)
    return (
        f"{best.larger} {verdict} the unchanged model by {metric.format_gain(best.difference)} "
        f"({interval}; p = {best.p_value:.2g} on {best.rows} rows{required_text})"
    )
