"""What is to be grown, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from growlearn.domain.circumstances import Circumstances
from growlearn.domain.job import GrowthSpec
from growlearn.domain.lineage import BranchWeights, Manifest, RouterWeights, TaskHead
from growlearn.domain.schema import Label


class Birth(StrEnum):
    """What a new branch is before any training."""

    ZERO = "zero"  # on its parent's frozen stem, adding nothing
    COPY = "copy"  # a copy of its parent's last branch and stem
    OWN = "own"  # new, on a new stem


@dataclass(frozen=True, kw_only=True)
class ParentScore:
    """How well a probe on what a branch would start with tells the new task's classes apart."""

    task: str | None  # None: the bare stem, or a stem of its own
    lineage: tuple[str, ...]
    accuracy: float
    birth: Birth = Birth.ZERO
    rows: int = 256  # that the probe was scored on


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One candidate in one round of a search, and how it did on validation rows."""

    learning_rate: float
    seed: int
    birth: Birth
    parent: str | None
    epochs: int
    loss: float  # at its best, a mean cross-entropy in nats
    accuracy: float  # in the same epoch; NaN where no epoch was better than the beginning
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class GrowthPlan:
    """Everything an engine needs to grow; equal plans give equal branches.

    `base` is the model grown from and `base_version` its number (None: a stream's first growth);
    `parent` is the task whose lineage the new branch extends, or whose last branch it copies (None: the bare
    stem, or a new one), `lineage` the frozen branches that enter through gates, `birth` what it starts as.
    `train`, `validation` and `holdout` are stored rows that share none; an engine reads the first two only.
    Of several new branches the fewest are kept whose accuracy on validation rows is within
    `max_accuracy_loss` of all (None: all). `retained` are training rows that the job lets the stream keep.
    `route` says whether the router learns the task too. `trials` are the candidates that this one was chosen
    from, round by round.
    """

    stream: str
    window: str
    task: str
    classes: tuple[Label, ...]
    base: Manifest
    base_version: int | None
    parent: str | None
    lineage: tuple[str, ...]
    birth: Birth
    copy_head: bool
    new_branches: tuple[str, ...]
    train: str
    validation: str
    holdout: str
    growth: GrowthSpec
    seed: int
    parent_scores: tuple[ParentScore, ...] = ()
    max_accuracy_loss: float | None = None
    retained: str | None = None
    route: bool = True
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One pass over the training rows; losses are mean cross-entropies in nats."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class PrefixPoint:
    """What the new task's head makes of validation rows with the branches up to `branch` alone, root first.

    `branch` is None for the bare stem; `loss` is a mean cross-entropy in nats.
    """

    branch: str | None
    loss: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class GrowthResult:
    """New branches and heads as stored weights, and how training went.

    `birth_head` answers the new task before any training: over the parents alone where the branch is born
    zero, else over the untrained `birth_branches` too, which are kept beside it. `prefix_losses` and
    `prefix_accuracies` are those of every prefix that ends in a new branch, dropped ones too; `approximation`
    also holds the bare stem and the parents before them (empty in results of earlier versions).
    `circumstances` are those of the training; `probes` are the candidate's stored answers to every task's
    probe, which are kept once it is measured. Results of earlier versions have neither.
    A head alone brings no branch; `head_parameters` are then its own, else the last branch counts them.
    `superseded` are earlier tasks that the new one takes the place of for rows that name none.
    """

    branches: tuple[BranchWeights, ...]
    branch_parameters: tuple[int, ...]
    head: str
    birth_head: str
    lineage: tuple[str, ...]
    epochs: tuple[Epoch, ...]
    best_epoch: int
    birth_loss: float
    best_loss: float
    prefix_losses: tuple[float, ...]
    train_rows: int
    validation_rows: int
    seconds: float
    peak_memory_bytes: int
    threads: int
    seed: int
    router: RouterWeights | None = None
    prefix_accuracies: tuple[float, ...] = ()
    birth_branches: tuple[BranchWeights, ...] = ()
    approximation: tuple[PrefixPoint, ...] = ()
    circumstances: Circumstances | None = None
    probes: str | None = None
    head_parameters: int = 0
    superseded: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Parameters that were trained and are to be kept."""
        return sum(self.branch_parameters) + self.head_parameters

    @property
    def reduced_loss(self) -> bool:
        """Whether the branch lowered the loss on validation rows.

        One that was born zero must have been trained to: at birth only its head was fitted. A copy or a new
        one brought features of its own, and of a head alone nothing more is asked.
        """
        told = self.best_epoch > 0 or bool(self.birth_branches) or not self.branches
        return told and self.best_loss < self.birth_loss

    def manifest_of(self, plan: GrowthPlan) -> Manifest:
        """The model after growing: the base, the new branches and the new task's head."""
        head = TaskHead(
            name=plan.task,
            classes=plan.classes,
            lineage=self.lineage,
            sha256=self.head,
            retained=plan.retained,
        )
        branches = (*plan.base.branches, *self.branches)
        return replace(
            plan.base,
            branches=branches,
            tasks=(*plan.base.tasks, head),
            router=self.router,
            superseded=(*plan.base.superseded, *self.superseded),
        )

    def birth_manifest_of(self, plan: GrowthPlan) -> Manifest:
        """The model at birth: the new task is answered with nothing trained."""
        born = tuple(branch.id for branch in self.birth_branches)  # those later dropped for size, too
        lineage = (*plan.lineage, *born)
        head = TaskHead(name=plan.task, classes=plan.classes, lineage=lineage, sha256=self.birth_head)
        branches = (*plan.base.branches, *self.birth_branches)
        return replace(plan.base, branches=branches, tasks=(*plan.base.tasks, head))


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a long piece of work is, for people to look at."""

    stage: str
    done: int
    total: int
    note: str = ""
