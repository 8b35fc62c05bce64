"""Where a plan is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.growth import GrowthPlan, GrowthResult, Progress

ProgressCallback = Callable[[Progress], None]
"""Called by long work to report its progress."""


class Engine(Protocol):
    """Where training runs."""

    def for_claim(self, claim: int) -> Engine:
        """The same engine for the window's claim of that number, with scratch files of its own.

        It resumes at the last checkpoint of an earlier claim, whose work may still run somewhere: neither
        touches the other's files.
        """
        ...

    def run(self, plans: Sequence[GrowthPlan], on_progress: ProgressCallback) -> Sequence[GrowthResult]:
        """Train each plan, in order, and store the weights as artifacts. Equal plans give equal weights.

        `on_progress` hears of each step, and `HEARTBEAT` between them; where it raises, training ends there.
        An interrupted training resumes at its last checkpoint. Raises GrowLearnError with the reason where
        training failed, Unavailable where a retry may succeed.
        """
        ...

    def consolidate(self, plan: ConsolidationPlan, on_progress: ProgressCallback) -> ConsolidationResult:
        """Distil a model into fewer branches, with the same guarantees."""
        ...
