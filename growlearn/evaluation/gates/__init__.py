"""The table of gates by name; one file holds one gate, and a candidate must pass them all."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateSpec
from growlearn.evaluation.gates.evidence import Evidence, Gate
from growlearn.evaluation.gates.flips import flips
from growlearn.evaluation.gates.floor import floor
from growlearn.evaluation.gates.forgetting import forgetting
from growlearn.evaluation.gates.gain import gain
from growlearn.evaluation.gates.loss import loss
from growlearn.evaluation.gates.routing import routing
from growlearn.evaluation.gates.size import size
from growlearn.evaluation.gates.unchanged import unchanged
from growlearn.evaluation.gates.worth import worth

GATES: Mapping[str, Gate] = MappingProxyType(
    {
        "unchanged": unchanged,
        "gain": gain,
        "worth": worth,
        "forgetting": forgetting,
        "flips": flips,
        "floor": floor,
        "routing": routing,
        "size": size,
        "loss": loss,
    }
)

CONSOLIDATION = ("forgetting", "flips", "floor", "routing", "size")
"""The gates of a consolidated candidate, which opens no task and answers no earlier one bit for bit."""


def check(evidence: Evidence, spec: GateSpec) -> tuple[GateResult, ...]:
    """What every gate says, in the table's order; none is skipped because another failed."""
    asked = CONSOLIDATION if evidence.evaluation.taught else tuple(GATES)
    return tuple(GATES[name](evidence, spec) for name in asked)
