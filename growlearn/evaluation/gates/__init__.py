"""The table of gates, one file per gate; a candidate must pass all of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateConfig
from growlearn.evaluation.gates.baseline import baseline
from growlearn.evaluation.gates.bitwise_unchanged import bitwise_unchanged
from growlearn.evaluation.gates.earlier_rows_loss import earlier_rows_loss
from growlearn.evaluation.gates.forgetting import forgetting
from growlearn.evaluation.gates.gate_input import Gate, GateInput
from growlearn.evaluation.gates.loss_decrease import loss_decrease
from growlearn.evaluation.gates.max_parameters import max_parameters
from growlearn.evaluation.gates.min_accuracy import min_accuracy
from growlearn.evaluation.gates.min_gain import min_gain
from growlearn.evaluation.gates.negative_flips import negative_flips
from growlearn.evaluation.gates.new_rows_loss import new_rows_loss
from growlearn.evaluation.gates.routed_accuracy import routed_accuracy

GATES: Mapping[str, Gate] = MappingProxyType(
    {
        "bitwise_unchanged": bitwise_unchanged,
        "min_gain": min_gain,
        "baseline": baseline,
        "new_rows_loss": new_rows_loss,
        "earlier_rows_loss": earlier_rows_loss,
        "forgetting": forgetting,
        "negative_flips": negative_flips,
        "min_accuracy": min_accuracy,
        "routed_accuracy": routed_accuracy,
        "max_parameters": max_parameters,
        "loss_decrease": loss_decrease,
    }
)

CONSOLIDATION_GATES = ("forgetting", "negative_flips", "min_accuracy", "routed_accuracy", "max_parameters")
"""The gates of a consolidated candidate, which has no new task and keeps no earlier one bit for bit."""

REFINEMENT_GATES = tuple(name for name in GATES if name not in ("min_gain", "baseline"))
"""The gates of a refined candidate: two of its own in place of those that ask what a new task is worth."""

GROWTH_GATES = tuple(name for name in GATES if name not in ("new_rows_loss", "earlier_rows_loss"))
"""The gates of a candidate with a new task."""


def check_gates(gate_input: GateInput, config: GateConfig) -> tuple[GateResult, ...]:
    """The result of every gate in the table's order; a failed gate does not stop the others."""
    return tuple(GATES[name](gate_input, config) for name in _gate_names(gate_input))


def _gate_names(gate_input: GateInput) -> tuple[str, ...]:
    if gate_input.evaluation.teacher:
        return CONSOLIDATION_GATES
    if gate_input.evaluation.refinement is not None:
        return REFINEMENT_GATES
    return GROWTH_GATES
