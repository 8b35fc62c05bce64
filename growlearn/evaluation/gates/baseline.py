"""The selected candidate must outperform the unchanged model."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateConfig
from growlearn.domain.model_selection import CandidateKind, PairedComparison
from growlearn.evaluation.gates.gate_input import GateInput


def baseline(gate_input: GateInput, config: GateConfig) -> GateResult:  # noqa: ARG001 - threshold: alpha
    """The p-value of the selected candidate against `no_change`, or of the best one: below its threshold.

    Passes with value 0 where no earlier task has all the classes, so `no_change` was no candidate.
    """
    selection = gate_input.model_selection
    against_no_change = (
        ()
        if selection is None
        else [c for c in selection.comparisons if c.smaller is CandidateKind.NO_CHANGE]
    )
    if selection is None or not against_no_change:
        return GateResult(
            gate="baseline",
            value=0.0,
            threshold=0.0,
            passed=True,
            reason="no earlier task has all the classes",
        )
    selected = [comparison for comparison in against_no_change if comparison.larger is selection.selected]
    best = selected[0] if selected else min(against_no_change, key=lambda comparison: comparison.p_value)
    return GateResult(
        gate="baseline",
        value=best.p_value,
        threshold=selection.alpha / len(against_no_change),
        passed=bool(selected) and best.outperformed,
        reason=_format_reason(best, selection.min_accuracy_gain),
    )


def _format_reason(best: PairedComparison, min_effect: float) -> str:
    required_text = (
        "" if best.outperformed or not min_effect else f"; {100 * min_effect:.2f} points are required"
    )
    verdict = "outperforms" if best.outperformed else "does not outperform"
    interval = f"{100 * best.low:+.2f} to {100 * best.high:+.2f}"
    return (
        f"{best.larger} {verdict} the unchanged model by {100 * best.difference:+.2f} points "
        f"({interval}; p = {best.p_value:.2g} on {best.rows} rows{required_text})"
    )
