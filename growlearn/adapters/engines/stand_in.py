"""An engine that trains nothing: what a plan is born with, and what its training would cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.ports import Artifacts, Report


@dataclass
class StandInEngine:
    """Fits the head alone; `seconds` of its results are those that all epochs of a plan would take.

    `seconds_a_row` is what a row costs in an epoch; where it is None it is measured on the first plan.
    """

    artifacts: Artifacts
    seconds_a_row: float | None = None

    def run(self, plan: GrowthPlan, report: Report) -> GrowthResult:  # noqa: ARG002 - the port's
        """The plan before its first epoch."""
        from growlearn.growth.train import bear, seconds_a_row  # noqa: PLC0415 - torch only where used

        if self.seconds_a_row is None:
            self.seconds_a_row = seconds_a_row(plan, self.artifacts)
        result = bear(plan, self.artifacts)
        return replace(result, seconds=result.train_rows * plan.growth.epochs * self.seconds_a_row)

    def consolidate(self, plan: ConsolidationPlan, report: Report) -> ConsolidationResult:  # noqa: ARG002
        """Nothing stands in for a consolidation; raises GrowLearnError."""
        raise GrowLearnError("a consolidation cannot be replayed without training")
