"""The input of a gate, and its interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from growlearn.domain.consolidation import ConsolidationResult
from growlearn.domain.evaluation import Evaluation, GateResult, PredictionFlips
from growlearn.domain.growth import GrowthResult
from growlearn.domain.job import GateConfig
from growlearn.domain.model_selection import ModelSelection

TOLERANCE = 1e-9
"""Tolerance for sums of floats such as 0.9 - 0.8; far below one row of any hold-out."""


@dataclass(frozen=True, kw_only=True)
class GateInput:
    """A candidate's evaluation, those of the versions it grew from (oldest first), and its size.

    `parameters` counts the whole candidate with its frozen branches. `model_selection` compares it with
    smaller candidates, if it was compared; `flips` are against the model it grew from. `kept_task` is the
    known task whose answer a new one takes as it is, as none of the candidates outperforms it.
    """

    evaluation: Evaluation
    past_evaluations: tuple[Evaluation, ...]
    result: GrowthResult | ConsolidationResult
    parameters: int
    model_selection: ModelSelection | None = None
    flips: tuple[PredictionFlips, ...] = ()
    kept_task: str | None = None


Gate: TypeAlias = Callable[[GateInput, GateConfig], GateResult]
"""A pure rule that lets a candidate become champion, or not."""


def pass_known_answer(gate: str, known_task: str) -> GateResult:
    """The result of a gate that asks what a training was worth, where a known answer is taken as it is."""
    reason = f"the answer of task {known_task!r} is taken as it is: nothing outperforms it"
    return GateResult(gate=gate, value=0.0, threshold=0.0, passed=True, reason=reason)


def pass_new_task(gate: str, value: float) -> GateResult:
    """The result of a gate of refinements where the task is a new one: it passes with this value."""
    return GateResult(gate=gate, value=value, threshold=0.0, passed=True, reason="the task is a new one")
