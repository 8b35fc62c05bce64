"""A job: what to watch, when, how to judge drift, how to grow, what must hold.

Defaults live here and nowhere else. A job is read from YAML, one file a stream.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from growlearn.domain.drift_spec import DriftSpec, PolicySpec
from growlearn.domain.keys import STRICT, duration_s, require
from growlearn.domain.schema import Schema


def require_name(name: str) -> None:
    """Raise ValueError unless a stream may be called so."""
    require(
        re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", name) is not None,
        f"name {name!r} must be lower-case letters, digits, '.', '_' or '-', at most 63 of them",
    )


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When to look for new data: a fixed interval, or a five-field crontab line in UTC."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    every: str | None = None
    cron: str | None = None

    def __post_init__(self) -> None:
        require(self.every is None or self.cron is None, "give every or cron, not both")
        if self.every is not None:
            duration_s(self.every)
        if self.cron is not None:
            require(
                len(self.cron.split()) == 5,
                f"{self.cron!r} is not a crontab line of five fields (minute hour day month weekday)",
            )

    @property
    def every_s(self) -> float:
        """The interval in seconds; five minutes where nothing is said."""
        return duration_s(self.every or "5m")


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """Where new data arrives: a folder of files, or a folder of folders of class folders."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    url: str
    type: str = "folder"
    pattern: str = "*"
    settle_s: float = 1.0  # a file touched more recently may still be being written

    def __post_init__(self) -> None:
        require(bool(self.url.strip()), "url must name a folder")
        require(math.isfinite(self.settle_s) and self.settle_s >= 0, "settle_s must be 0 or more")


@dataclass(frozen=True, kw_only=True)
class WindowRule:
    """How rows are cut into windows: a window a file, or a window every so many rows."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    by: Literal["file"] | None = None
    rows: int | None = None

    def __post_init__(self) -> None:
        require(self.by is None or self.rows is None, "give by or rows, not both")
        require(self.rows is None or self.rows >= 1, "rows must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class HoldoutFiles:
    """Hold-out rows of their own, told apart by the task column."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    url: str
    pattern: str = "*"


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Size and shape of the network."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    width: int = 64
    depth: int = 1
    heads: int = 4
    stem: Literal["conv", "patches"] = "conv"
    patch: int = 4  # pixels a token covers along each side
    initial_branches: int = 1
    max_branches: int = 32
    max_parents: int = 3  # bounds the cost of the n-th growth

    def __post_init__(self) -> None:
        for name in ("width", "depth", "heads", "patch", "initial_branches", "max_branches"):
            require(getattr(self, name) >= 1, f"{name} must be 1 or more")
        require(self.max_parents >= 0, "max_parents must be 0 or more")
        require(self.width % self.heads == 0, f"width {self.width} must be a multiple of heads {self.heads}")
        require(
            self.stem != "conv" or self.patch.bit_count() == 1,
            f"patch {self.patch} must be 1, 2, 4, 8 or another power of two for stem conv",
        )
        require(
            self.initial_branches <= self.max_branches,
            f"initial_branches {self.initial_branches} is more than max_branches {self.max_branches}",
        )


@dataclass(frozen=True, kw_only=True)
class LabelSpec:
    """How long rows wait for labels, and labels for rows, in a stream whose schema names a key."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    wait: str = "30d"  # since the rows, or the labels, came
    share: float = 0.0  # of a window's rows that must have labels before it is grown from, while it may wait

    def __post_init__(self) -> None:
        duration_s(self.wait)
        require(0 <= self.share <= 1, "share is a share of 1, such as 0.5")

    @property
    def wait_s(self) -> float:
        """How long, in seconds."""
        return duration_s(self.wait)


@dataclass(frozen=True, kw_only=True)
class GrowthSpec:
    """How a branch is trained."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    epochs: int = 6
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    validation: float = 0.1  # share of the training rows kept to choose the epoch
    patience: int = 3  # epochs without a better validation loss before stopping
    min_rows: int = 20  # fewer labelled training rows: nothing is grown
    seed: int = 0
    birth: Literal["auto", "zero", "copy", "own"] = "auto"  # what a branch that joins others starts as

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience", "min_rows"):
            require(getattr(self, name) >= 1, f"{name} must be 1 or more")
        require(0 < self.learning_rate <= 1, "learning_rate must lie between 0 and 1")
        require(0 <= self.weight_decay < math.inf, "weight_decay must be 0 or more")
        require(0 < self.validation < 0.9, "validation must lie between 0 and 0.9")
        require(0 <= self.seed < 2**32, "seed must be a whole number from 0 to 4294967295")


@dataclass(frozen=True, kw_only=True)
class SearchSpec:
    """Which candidates of a growth are tried side by side, and what trying them may cost.

    There is one for each learning rate, seed and start; nothing is tried where that makes one.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    learning_rates: tuple[float, ...] = ()  # besides growth.learning_rate
    seeds: int = 1
    starts: int = 1  # of those that the probe of births and parents found best
    epochs: int = 24  # of all candidates together, before the one that is left is trained in full
    when: Literal["first", "every"] = "first"  # later growths take over the first one's learning rate

    def __post_init__(self) -> None:
        require(all(0 < rate <= 1 for rate in self.learning_rates), "learning_rates must lie between 0 and 1")
        for name in ("seeds", "starts", "epochs"):
            require(getattr(self, name) >= 1, f"{name} must be 1 or more")
        most = (1 + len(self.learning_rates)) * self.seeds * self.starts
        least = most * math.ceil(math.log2(most))  # one epoch for each candidate of each round's share
        require(self.epochs >= least, f"epochs must be {least} or more for {most} candidates")


@dataclass(frozen=True, kw_only=True)
class EvaluationSpec:
    """What is measured beyond the matrix.

    `reference: alone` also trains, at the same budget, one model on the window by itself; the
    distance to it is the intransigence.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    reference: Literal["none", "alone"] = "none"


@dataclass(frozen=True, kw_only=True)
class GateSpec:
    """What must hold before a candidate becomes champion."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    min_gain: float = 0.0
    max_forgetting: float = 0.0
    max_parameters: int | None = None
    min_accuracy: float = 0.0  # of every task
    max_negative_flips: float = 0.1  # rows of a task that were right and are wrong now, a share of 1
    max_routed_loss: float = 0.1  # of any earlier task whose rows do not say their task, a share of 1
    supersede_after: int | None = 3  # windows that contradict such a task; None: never

    def __post_init__(self) -> None:
        for name in ("min_accuracy", "max_negative_flips", "max_routed_loss"):
            require(0 <= getattr(self, name) <= 1, f"{name} is a share of 1, such as 0.02")
        require(-1 <= self.min_gain <= 1, "min_gain is a share of 1, such as 0.02")
        require(0 <= self.max_forgetting <= 1, "max_forgetting is a share of 1, such as 0.02")
        require(
            self.supersede_after is None or self.supersede_after >= 2, "supersede_after must be 2 or more"
        )
        require(self.max_parameters is None or self.max_parameters >= 1, "max_parameters must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class WorthSpec:
    """What a new branch is compared with before it is kept; the cheapest that is not beaten is kept instead.

    `alpha` bounds the chance that a way which is as good as all dearer ones is called beaten.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    rivals: tuple[Literal["nothing", "head", "fine-tune"], ...] = ("nothing", "head", "fine-tune")
    alpha: float = 0.05
    min_effect: float = 0.02  # least difference in accuracy that is worth a dearer way, a share of 1

    def __post_init__(self) -> None:
        require(0 < self.alpha < 1, "alpha must lie between 0 and 1")
        require(0 <= self.min_effect <= 1, "min_effect is a share of 1, such as 0.02")
        require(len(set(self.rivals)) == len(self.rivals), "rivals must name each once")


@dataclass(frozen=True, kw_only=True)
class SizeSpec:
    """How small a stream's first branches may be made: the fewest within a loss of accuracy are kept."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    max_accuracy_loss: float | None = None  # a share of 1, on validation rows; None keeps every branch

    def __post_init__(self) -> None:
        require(
            self.max_accuracy_loss is None or 0 <= self.max_accuracy_loss <= 1,
            "max_accuracy_loss is a share of 1, such as 0.01",
        )


@dataclass(frozen=True, kw_only=True)
class ConsolidationSpec:
    """How a model that has reached its branch budget is distilled into fewer branches.

    What is not said here (batch size, learning rate and so on) is as in growth; all epochs are run.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    branches: int = 4  # left at most
    max_accuracy_loss: float = 0.01  # of any task, a share of 1 of its hold-out rows
    epochs: int = 10

    def __post_init__(self) -> None:
        for name in ("branches", "epochs"):
            require(getattr(self, name) >= 1, f"{name} must be 1 or more")
        require(0 <= self.max_accuracy_loss <= 1, "max_accuracy_loss is a share of 1, such as 0.01")


@dataclass(frozen=True, kw_only=True)
class PromoteAfter:
    """A challenger is promoted after so many windows with labels, unless the champion does better there."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    after: int

    def __post_init__(self) -> None:
        require(self.after >= 1, "after must be 1 or more; auto promotes at once")


@dataclass(frozen=True, kw_only=True)
class RegistrySpec:
    """Name in the model registry, and who promotes."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    model: str | None = None  # the stream's name where left out
    promote: Literal["auto", "manual"] | PromoteAfter = "auto"

    def __post_init__(self) -> None:
        require(
            self.model is None or re.fullmatch(r"[A-Za-z0-9][\w. -]{0,199}", self.model) is not None,
            f"model {self.model!r} must be letters, digits, spaces, '.', '_' or '-'",
        )


@dataclass(frozen=True, kw_only=True)
class RetainPerClass:
    """At most this many rows of each class may be kept."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    per_class: int

    def __post_init__(self) -> None:
        require(self.per_class >= 1, "per_class must be 1 or more; none keeps nothing")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One stream's job file; every key has a default but `name`, `source` and `schema`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    name: str
    source: SourceSpec
    schema: Schema
    schedule: Schedule = field(default_factory=Schedule)
    window: WindowRule = field(default_factory=WindowRule)
    holdout: float | HoldoutFiles = 0.15
    model: ModelSpec = field(default_factory=ModelSpec)
    drift: DriftSpec = field(default_factory=DriftSpec)
    policy: PolicySpec = field(default_factory=PolicySpec)
    labels: LabelSpec = field(default_factory=LabelSpec)
    growth: GrowthSpec = field(default_factory=GrowthSpec)
    search: SearchSpec = field(default_factory=SearchSpec)
    size: SizeSpec = field(default_factory=SizeSpec)
    evaluation: EvaluationSpec = field(default_factory=EvaluationSpec)
    worth: WorthSpec = field(default_factory=WorthSpec)
    gates: GateSpec = field(default_factory=GateSpec)
    registry: RegistrySpec = field(default_factory=RegistrySpec)
    retain: Literal["none", "all"] | RetainPerClass = "none"
    consolidation: ConsolidationSpec | None = None

    def __post_init__(self) -> None:
        require_name(self.name)
        if isinstance(self.holdout, HoldoutFiles):
            require(
                self.schema.task is not None,
                "holdout rows of their own need a task column in the schema to tell them apart",
            )
        else:
            require(0 < self.holdout < 0.9, f"holdout {self.holdout} must lie between 0 and 0.9")
        if self.consolidation is not None:
            left, most = self.consolidation.branches, self.model.max_branches
            require(self.retain != "none", "consolidation needs rows of every task: set retain")
            require(left < most, f"consolidation.branches {left} must be fewer than max_branches {most}")

    @property
    def registered_model(self) -> str:
        """The model's name in the registry."""
        return self.registry.model or self.name
