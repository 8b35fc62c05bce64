"""Training in this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from growlearn.adapters.engines.scratch import plan_folder
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.growth import GrowthPlan, GrowthResult
from growlearn.ports import Artifacts, Report


@dataclass(frozen=True)
class LocalEngine:
    """Trains where it is called; checkpoints lie in `scratch`."""

    artifacts: Artifacts
    scratch: Path

    def run(self, plan: GrowthPlan, report: Report) -> GrowthResult:
        """Grow what the plan says, from its last checkpoint if there is one."""
        from growlearn.growth.train import grow  # noqa: PLC0415 - torch is imported only where used

        return grow(plan, self.artifacts, plan_folder(self.scratch, plan), report)

    def consolidate(self, plan: ConsolidationPlan, report: Report) -> ConsolidationResult:
        """Distil what the plan says, from its last checkpoint if there is one."""
        from growlearn.growth.consolidation import consolidate  # noqa: PLC0415 - as above

        return consolidate(plan, self.artifacts, plan_folder(self.scratch, plan), report)
