"""The plan of a consolidation into fewer branches, and its result."""

from __future__ import annotations

from dataclasses import dataclass, replace

from growlearn.domain.device import CPU
from growlearn.domain.environment import TrainingEnvironment
from growlearn.domain.growth import Epoch
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import BranchWeights, Manifest, RouterWeights, TaskHead
from growlearn.domain.metric import MetricName


@dataclass(frozen=True, kw_only=True)
class TaskData:
    """The stored rows of one task in three disjoint parts; an engine reads the first two only."""

    task: str
    train: str
    validation: str
    holdout: str


@dataclass(frozen=True, kw_only=True)
class ConsolidationPlan:
    """Everything an engine needs to consolidate a model; equal plans give equal branches.

    The tasks of `parent_manifest` are distilled into `new_branches`, each with its own stem. `task_data` has
    one entry a task, in the manifest's order. No task may lose more than `max_accuracy_drop`, by `metric`.
    """

    stream: str
    window: str
    parent_manifest: Manifest
    parent_version: int
    task_data: tuple[TaskData, ...]
    new_branches: tuple[str, ...]
    growth: GrowthConfig
    max_accuracy_drop: float
    seed: int
    metric: MetricName = MetricName.ACCURACY


@dataclass(frozen=True, kw_only=True)
class ConsolidationResult:
    """New branches and a head for every task as stored weights, and how training went.

    Losses are means over tasks of the training loss (labels and teacher) on validation rows, in nats.
    `environment`, `check_logits` and `check_device` are as in `GrowthResult`.
    """

    branches: tuple[BranchWeights, ...]
    branch_parameters: tuple[int, ...]
    heads: tuple[TaskHead, ...]
    router: RouterWeights | None
    epochs: tuple[Epoch, ...]
    best_epoch: int
    initial_loss: float
    best_loss: float
    train_rows: int
    validation_rows: int
    seconds: float
    peak_memory_bytes: int
    threads: int
    seed: int
    environment: TrainingEnvironment | None = None
    check_logits: str | None = None
    check_device: str = CPU

    @property
    def parameters(self) -> int:
        """Parameters of the whole model."""
        return sum(self.branch_parameters)

    @property
    def improved(self) -> bool:
        """Whether training lowered the loss on validation rows."""
        return self.best_loss < self.initial_loss

    def build_manifest(self, plan: ConsolidationPlan) -> Manifest:
        """The consolidated model: the new branches alone, and every task's new head."""
        return replace(plan.parent_manifest, branches=self.branches, tasks=self.heads, router=self.router)
