"""Training in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from growlearn.adapters.engines.plan_device import open_plan_device
from growlearn.adapters.engines.scratch import NO_CLAIM, ScratchUser, prepare_plan_folder
from growlearn.domain.consolidation import ConsolidationPlan, ConsolidationResult
from growlearn.domain.device import CPU
from growlearn.domain.growth import GrowthPlan, GrowthResult, number_progress
from growlearn.ports import Artifacts, ProgressCallback


@dataclass(frozen=True)
class LocalEngine:
    """Trains in the calling process; checkpoints are stored in `scratch`, in folders of `user`.

    `device` names the one that plans are trained on where their job leaves it open.
    """

    artifacts: Artifacts
    scratch: Path
    device: str = CPU
    user: ScratchUser = NO_CLAIM

    def for_claim(self, claim: int) -> LocalEngine:
        """The same engine with the scratch folders of one claim."""
        return replace(self, user=replace(self.user, claim=claim))

    def run(self, plans: Sequence[GrowthPlan], on_progress: ProgressCallback) -> Sequence[GrowthResult]:
        """Train each plan's branches, from its last checkpoint if there is one."""
        from growlearn.growth.train import train_branch  # noqa: PLC0415 - torch is imported only where used

        results = []
        for index, plan in enumerate(plans):
            numbered = number_progress(on_progress, index, len(plans))
            device = open_plan_device(plan, self.device)
            folder = prepare_plan_folder(self.scratch, plan, device.type, self.user)
            results.append(train_branch(plan, self.artifacts, folder, numbered, device))
        return results

    def consolidate(self, plan: ConsolidationPlan, on_progress: ProgressCallback) -> ConsolidationResult:
        """Distil the plan's branches, from its last checkpoint if there is one."""
        from growlearn.growth.distillation import consolidate_branches  # noqa: PLC0415 - as above

        device = open_plan_device(plan, self.device)
        folder = prepare_plan_folder(self.scratch, plan, device.type, self.user)
        return consolidate_branches(plan, self.artifacts, folder, on_progress, device)
