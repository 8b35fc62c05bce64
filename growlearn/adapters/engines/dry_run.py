"""An engine that trains nothing: the initial state of a plan, and the estimated time of its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from growlearn.adapters.engines.plan_device import open_plan_device
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.device import CPU
from growlearn.domain.errors import GrowLearnError
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.ports import Artifacts, ProgressCallback


@dataclass
class DryRunEngine:
    """Fits the head alone; `seconds` of its results is the estimated time of all epochs of a plan.

    `seconds_per_row` is the training time of one row in one epoch; None: measured on the first plan. `device`
    names the one that plans are trained on where their job leaves it open.
    """

    artifacts: Artifacts
    seconds_per_row: float | None = None
    device: str = CPU

    def for_claim(self, claim: int) -> DryRunEngine:  # noqa: ARG002 - nothing is written
        """The same engine."""
        return self

    def run(
        self,
        plans: Sequence[GrowthPlan],
        on_progress: ProgressCallback,  # noqa: ARG002 - the port's
    ) -> Sequence[GrowthResult]:
        """The result of each plan before its first epoch."""
        return [self._estimate(plan) for plan in plans]

    def _estimate(self, plan: GrowthPlan) -> GrowthResult:
        from growlearn.growth.train import init_without_training, measure_seconds_per_row  # noqa: PLC0415 - torch only where used

        device = open_plan_device(plan, self.device)
        if self.seconds_per_row is None:
            self.seconds_per_row = measure_seconds_per_row(plan, self.artifacts, device)
        result = init_without_training(plan, self.artifacts, device)
        return replace(result, seconds=result.train_rows * plan.growth.max_epochs * self.seconds_per_row)

    def consolidate(self, plan: ConsolidationPlan, on_progress: ProgressCallback) -> ConsolidationResult:  # noqa: ARG002
        """Raises GrowLearnError: there is no dry run of a consolidation."""
        raise GrowLearnError("a consolidation cannot be replayed without training")
