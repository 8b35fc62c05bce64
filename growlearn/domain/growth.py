"""The plan of a growth, and its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from growlearn.domain.device import CPU
from growlearn.domain.environment import TrainingEnvironment
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.lineage import (
    UNCALIBRATED,
    BranchWeights,
    Calibration,
    Manifest,
    RouterWeights,
    TaskHead,
)
from growlearn.domain.metric import METRICS, MetricName
from growlearn.domain.schema import Label


class BranchInit(StrEnum):
    """How a new branch is initialised."""

    RESIDUAL = "residual"  # on its parent's frozen stem, with a zero residual
    WARM_START = "warm_start"  # a copy of its parent's last branch and stem
    SCRATCH = "scratch"  # new, with a new stem


@dataclass(frozen=True, kw_only=True)
class Combination:
    """How the head h of a new branch joins the frozen answer F: a F + s h.

    `frozen_weight` is a, `step_size` is s, the shrinkage of gradient boosting. The default is the new branch
    alone.
    """

    frozen_weight: float = 0.0
    step_size: float = 1.0


ALONE = Combination()
"""The new branch without the frozen answer."""


@dataclass(frozen=True, kw_only=True)
class ProbeScore:
    """Accuracy of a linear probe on the features that a branch would start with.

    `value` is that of the plan's metric; None where that is accuracy, or not defined on the probe's rows.
    """

    task: str | None  # None: the stem alone, or a new stem
    lineage: tuple[str, ...]
    accuracy: float
    init: BranchInit = BranchInit.RESIDUAL
    rows: int = 256  # scored by the probe
    value: float | None = None

    def merit(self, metric: MetricName) -> float:
        """What starts are compared by, more is better: the metric, or accuracy where it has no value."""
        return self.accuracy if self.value is None else METRICS[metric].merit(self.value)


@dataclass(frozen=True, kw_only=True)
class SearchTrial:
    """One candidate in one round of a hyperparameter search, with its validation score.

    `value` is that of the plan's metric in the best epoch; None where that is accuracy, or not defined.
    """

    learning_rate: float
    seed: int
    init: BranchInit
    parent_task: str | None
    epochs: int
    loss: float  # of the best epoch, a mean cross-entropy in nats
    accuracy: float  # in the same epoch; NaN where no epoch improved on the start
    seconds: float = 0.0
    value: float | None = None


_REPEATED_FAILURES = 2


@dataclass(frozen=True, kw_only=True)
class Refinement:
    """What a plan needs more where its task is known already.

    `windows` are those whose rows are new to the task, in order; `new_rows` counts their labelled rows beside
    the hold-out. `earlier_holdout` are the task's hold-out rows so far and `new_holdout` those of the new
    windows (None: hold-out files hold them all); the plan's `holdout` has rows of both. `reason` says why it
    was tried. The first `guarded_rows` of the plan's validation rows are the task's earlier ones, on which
    the branch should not raise the loss; 0 where the window drifted (`after_drift`), or where two refinements
    or more were tried in vain (`failures`, each with twice the rows of the one before): then the loss on
    earlier and new rows together is what counts.
    """

    windows: tuple[str, ...]
    new_rows: int
    earlier_holdout: str
    new_holdout: str | None
    reason: str
    guarded_rows: int = 0
    after_drift: bool = False
    failures: int = 0

    @property
    def is_repeated(self) -> bool:
        """Whether the task was tried twice or more in vain: its labels may have changed for good."""
        return self.failures >= _REPEATED_FAILURES


@dataclass(frozen=True, kw_only=True)
class GrowthPlan:
    """Everything an engine needs to grow; equal plans give equal branches.

    `parent_manifest` is the model grown from and `parent_version` its number (None: a stream's first growth).
    `parent_task` is the task whose lineage the new branch extends, or whose last branch it copies (None: the
    stem alone, or a new one); `lineage` are the frozen branches before it; `init` is how it is initialised.
    `train`, `validation` and `holdout` are disjoint stored rows; an engine reads the first two only. Of
    several new branches the engine keeps the fewest whose accuracy on validation rows is within
    `max_accuracy_drop` of that of all (None: all). `retained` are training rows that the job lets the stream
    keep. `train_router` says whether the router learns the task too. `trials` are the candidates of the
    search that chose this plan, round by round. The best epoch is chosen by `metric`; `class_weights` are the
    weights of each class's rows in the loss, with mean 1 over the training rows (empty: all 1);
    `positive_class` is that of a task of two classes. The branch is trained through `combination`. After
    training, one of `combinations` with the answer of `parent_task` is chosen on validation rows (empty: no
    frozen answer enters). `base_task` is the known task whose answer may enter; None where none shares two
    classes with the new task. `refinement` is given where the task is known already. `kept_task` is the known
    task whose answer the new one takes as it is; None where something is trained. `labelled_rows` counts the
    labelled rows that each window it learns from had when the plan was made: labels may come later. Empty in
    plans from before it was counted.
    """

    stream: str
    window: str
    task: str
    classes: tuple[Label, ...]
    parent_manifest: Manifest
    parent_version: int | None
    parent_task: str | None
    lineage: tuple[str, ...]
    init: BranchInit
    init_head_from_parent: bool
    new_branches: tuple[str, ...]
    train: str
    validation: str
    holdout: str
    growth: GrowthConfig
    seed: int
    probe_scores: tuple[ProbeScore, ...] = ()
    max_accuracy_drop: float | None = None
    retained: str | None = None
    train_router: bool = True
    trials: tuple[SearchTrial, ...] = ()
    metric: MetricName = MetricName.ACCURACY
    class_weights: tuple[float, ...] = ()
    positive_class: Label | None = None
    combination: Combination = ALONE
    combinations: tuple[Combination, ...] = ()
    base_task: str | None = None
    refinement: Refinement | None = None
    kept_task: str | None = None
    labelled_rows: tuple[int, ...] = ()

    @property
    def is_refinement(self) -> bool:
        """Whether the task is one of the model grown from: its head is then replaced."""
        return any(head.name == self.task for head in self.parent_manifest.tasks)


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One pass over the training rows; losses are mean cross-entropies in nats.

    `validation_value` is that of the plan's metric; None where that is accuracy, or not defined on the
    validation rows.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    validation_value: float | None = None


@dataclass(frozen=True, kw_only=True)
class PrefixPoint:
    """The new task's validation score with the branches up to `branch` alone, root first.

    `branch` is None for the stem alone; `loss` is a mean cross-entropy in nats.
    """

    branch: str | None
    loss: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class AloneAnswer:
    """The trained branch without the frozen answer: its head, how that is read, and how good it is.

    The fields are those of a result.
    """

    head: str
    lineage: tuple[str, ...]
    calibration: Calibration
    threshold: float | None
    validation_loss: float
    validation_value: float | None
    best_loss: float
    initial_loss: float
    initial_head: str
    initial_lineage: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GrowthResult:
    """New branches and heads as stored weights, and how training went.

    `initial_head` is the new task's head before any training, over `initial_lineage`: the frozen answer where
    one enters; else the parents alone where the branch starts with a zero residual, or the stored, untrained
    `initial_branches` too. `combination` is that of the trained branch with the frozen answer.
    `prefix_losses` and `prefix_accuracies` cover every prefix that ends in a new branch, dropped ones too;
    `prefix_curve` also covers the prefixes before them. `environment` is that of the training;
    `check_logits` are the candidate's stored logits on every task's check rows, and `check_device`
    computed them. A head alone brings no branch; `head_parameters` then counts its parameters, else the
    last branch includes them. `replaced_tasks` are earlier tasks that the new one replaces for rows that
    name no task. `calibration` and `threshold` are the head's, fitted on validation rows;
    `validation_value` is that of the plan's metric with both, None where that is accuracy, or not defined
    there; `validation_loss` is in nats, after the temperature. `alone` is the same branch without the
    frozen answer, where it was trained so.
    """

    branches: tuple[BranchWeights, ...]
    branch_parameters: tuple[int, ...]
    head: str
    initial_head: str
    lineage: tuple[str, ...]
    epochs: tuple[Epoch, ...]
    best_epoch: int
    initial_loss: float
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
    initial_branches: tuple[BranchWeights, ...] = ()
    prefix_curve: tuple[PrefixPoint, ...] = ()
    environment: TrainingEnvironment | None = None
    check_logits: str | None = None
    check_device: str = CPU
    head_parameters: int = 0
    replaced_tasks: tuple[str, ...] = ()
    calibration: Calibration = UNCALIBRATED
    threshold: float | None = None
    validation_value: float | None = None
    combination: Combination = ALONE
    initial_lineage: tuple[str, ...] = ()
    validation_loss: float | None = None
    alone: AloneAnswer | None = None

    @property
    def parameters(self) -> int:
        """Parameters that were trained and are kept."""
        return sum(self.branch_parameters) + self.head_parameters

    @property
    def improved(self) -> bool:
        """Whether the branch lowered the loss on validation rows.

        A branch with a zero residual must have been trained to, unless a frozen answer enters: at the start
        only its head was fitted. A copied or a new branch brings its own features, and a head alone needs
        nothing more.
        """
        is_joined = self.combination.frozen_weight > 0
        was_trained = self.best_epoch > 0 or bool(self.initial_branches) or not self.branches or is_joined
        return was_trained and self.best_loss < self.initial_loss

    def leave_out_frozen(self) -> GrowthResult | None:
        """The result with the branch alone; None where it was not trained so."""
        alone = self.alone
        if alone is None:
            return None
        return replace(
            self,
            head=alone.head,
            lineage=alone.lineage,
            calibration=alone.calibration,
            threshold=alone.threshold,
            validation_loss=alone.validation_loss,
            validation_value=alone.validation_value,
            best_loss=alone.best_loss,
            initial_loss=alone.initial_loss,
            initial_head=alone.initial_head,
            initial_lineage=alone.initial_lineage,
            combination=ALONE,
            alone=None,
        )

    def build_manifest(self, plan: GrowthPlan) -> Manifest:
        """The model after growing: the parent, the new branches and the task's head.

        A refinement replaces the task's head, drops the branches that no head reads any more, and leaves the
        router as it is.
        """
        head = TaskHead(
            name=plan.task,
            classes=plan.classes,
            lineage=self.lineage,
            sha256=self.head,
            retained=plan.retained,
            calibration=self.calibration,
            threshold=self.threshold,
            positive_class=plan.positive_class,
        )
        grown = _with_head(plan.parent_manifest, head, self.branches)
        if plan.is_refinement:
            return grown.without_unused_branches()
        return replace(
            grown,
            router=self.router,
            replaced_tasks=(*plan.parent_manifest.replaced_tasks, *self.replaced_tasks),
        )

    def build_initial_manifest(self, plan: GrowthPlan) -> Manifest:
        """The model before training: the new task has its initial head, calibrated as the one it copies."""
        head = TaskHead(
            name=plan.task,
            classes=plan.classes,
            lineage=self.initial_lineage,
            sha256=self.initial_head,
            positive_class=plan.positive_class,
        )
        if plan.init_head_from_parent and plan.parent_task is not None:
            parent = plan.parent_manifest.task(plan.parent_task)
            head = replace(head, calibration=parent.calibration, threshold=parent.threshold)
        initial_branches = tuple(
            branch for branch in self.initial_branches if branch.id in self.initial_lineage
        )
        return _with_head(plan.parent_manifest, head, initial_branches)


def _with_head(manifest: Manifest, head: TaskHead, branches: tuple[BranchWeights, ...]) -> Manifest:
    """The model with more branches and one more head, or with that of a known task in its place."""
    known = any(task.name == head.name for task in manifest.tasks)
    tasks = tuple(head if task.name == head.name else task for task in manifest.tasks)
    return replace(
        manifest, branches=(*manifest.branches, *branches), tasks=tasks if known else (*tasks, head)
    )


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The progress of long work, shown to people."""

    stage: str
    done: int
    total: int
    note: str = ""


def number_progress(
    on_progress: Callable[[Progress], None], index: int, total: int
) -> Callable[[Progress], None]:
    """A callback for model `index`, from 0, of `total` that are trained one after the other."""

    def forward(progress: Progress) -> None:
        is_step = progress != HEARTBEAT and total > 1
        stage = f"{progress.stage}, model {index + 1} of {total}"
        on_progress(replace(progress, stage=stage) if is_step else progress)

    return forward


HEARTBEAT = Progress(stage="", done=0, total=1)
"""Nothing new: long work sends it at least once a second, so that whoever listens may end it."""
