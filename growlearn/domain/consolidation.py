"""What is to be distilled into fewer branches, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from growlearn.domain.circumstances import Circumstances
from growlearn.domain.growth import Epoch
from growlearn.domain.job import GrowthSpec
from growlearn.domain.lineage import BranchWeights, Manifest, RouterWeights, TaskHead


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """The stored rows of one task, three parts that share none; an engine reads the first two only."""

    task: str
    train: str
    validation: str
    holdout: str


@dataclass(frozen=True, kw_only=True)
class ConsolidationPlan:
    """Everything an engine needs to consolidate a model; equal plans give equal branches.

    The tasks of `base` are taught anew to `new_branches`, each of which brings a stem of its own; there
    is one lesson a task, in the order of the base's. No task may lose more than `max_accuracy_loss`.
    """

    stream: str
    window: str
    base: Manifest
    base_version: int
    lessons: tuple[Lesson, ...]
    new_branches: tuple[str, ...]
    growth: GrowthSpec
    max_accuracy_loss: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class ConsolidationResult:
    """New branches and a head for every task as stored weights, and how training went.

    Losses are means over tasks of the loss that is trained (labels and teacher) on validation rows, in nats.
    `circumstances` and `probes` are as a growth's.
    """

    branches: tuple[BranchWeights, ...]
    branch_parameters: tuple[int, ...]
    heads: tuple[TaskHead, ...]
    router: RouterWeights | None
    epochs: tuple[Epoch, ...]
    best_epoch: int
    birth_loss: float
    best_loss: float
    train_rows: int
    validation_rows: int
    seconds: float
    peak_memory_bytes: int
    threads: int
    seed: int
    circumstances: Circumstances | None = None
    probes: str | None = None

    @property
    def parameters(self) -> int:
        """Parameters of the whole model."""
        return sum(self.branch_parameters)

    @property
    def reduced_loss(self) -> bool:
        """Whether training lowered the loss on validation rows."""
        return self.best_loss < self.birth_loss

    def manifest_of(self, plan: ConsolidationPlan) -> Manifest:
        """The model after consolidating: the new branches alone, and every task's new head."""
        return replace(plan.base, branches=self.branches, tasks=self.heads, router=self.router)
