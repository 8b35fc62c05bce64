"""The messages between an engine and its child process: one JSON document per line.

To the child: its work, in one line. From the child: progress lines and one result a plan, or one failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from growlearn.adapters.engines.scratch import Plan
from growlearn.domain.consolidation import ConsolidationResult
from growlearn.domain.growth import GrowthResult, Progress


@dataclass(frozen=True, kw_only=True)
class ChildWork:
    """The plans to train in order, and the claim of their window."""

    plans: tuple[Plan, ...]
    claim: int = 0


@dataclass(frozen=True, kw_only=True)
class ChildFailure:
    """Why the child could not train the plan; `retryable` where a later attempt may succeed."""

    reason: str
    hint: str | None = None
    retryable: bool = False


ChildMessage: TypeAlias = Progress | GrowthResult | ConsolidationResult | ChildFailure
