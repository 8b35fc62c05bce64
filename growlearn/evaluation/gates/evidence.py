"""What a gate looks at, and what a gate is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from growlearn.domain.consolidation import ConsolidationResult
from growlearn.domain.evaluation import Evaluation, Flips, GateResult
from growlearn.domain.growth import GrowthResult
from growlearn.domain.job import GateSpec
from growlearn.domain.worth import Worth

ROUNDING = 1e-9
"""Slack for sums of floats such as 0.9 - 0.8; far below one row of any hold-out."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A candidate's evaluation, those of the versions it grew from (oldest first), and its size.

    parameters counts the whole candidate, its frozen branches too. worth compares it with cheaper ways, if it
    was compared; flips with the model it grew from.
    """

    evaluation: Evaluation
    past: tuple[Evaluation, ...]
    result: GrowthResult | ConsolidationResult
    parameters: int
    worth: Worth | None = None
    flips: tuple[Flips, ...] = ()


Gate: TypeAlias = Callable[[Evidence, GateSpec], GateResult]
"""A pure rule over the evidence that lets a candidate become champion, or not."""
