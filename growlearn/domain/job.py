"""A job: what to monitor, when, how to judge drift, how to grow, which gates must pass.

Defaults are defined here only. A job is read from YAML, one file a stream.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeAlias

from growlearn.domain.drift_config import DriftConfig, RefineConfig, RetrainingPolicyConfig
from growlearn.domain.metric import METRICS, MetricName
from growlearn.domain.schema import Schema
from growlearn.domain.validation import STRICT, parse_duration_s, require


def validate_stream_name(name: str) -> None:
    """Raise ValueError for an invalid stream name."""
    require(
        re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", name) is not None,
        f"name {name!r} must be lower-case letters, digits, '.', '_' or '-', at most 63 of them",
    )


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When to check for new data: a fixed interval, or a five-field crontab line in UTC."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    every: str | None = None
    cron: str | None = None

    def __post_init__(self) -> None:
        require(self.every is None or self.cron is None, "give every or cron, not both")
        if self.every is not None:
            parse_duration_s(self.every)
        if self.cron is not None:
            require(
                len(self.cron.split()) == 5,
                f"{self.cron!r} is not a crontab line of five fields (minute hour day month weekday)",
            )

    @property
    def every_s(self) -> float:
        """The interval in seconds; five minutes by default."""
        return parse_duration_s(self.every or "5m")


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """Where new data arrives: a folder of files, or a folder of folders of class folders."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    url: str
    type: str = "folder"
    pattern: str = "*"
    min_file_age_s: float = 1.0  # a more recent file may still be being written

    def __post_init__(self) -> None:
        require(bool(self.url.strip()), "url must name a folder")
        require(
            math.isfinite(self.min_file_age_s) and self.min_file_age_s >= 0,
            "min_file_age_s must be 0 or more",
        )


@dataclass(frozen=True, kw_only=True)
class WindowingConfig:
    """How rows form windows: one window a file, or one window every `rows` rows."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    by: Literal["file"] | None = None
    rows: int | None = None

    def __post_init__(self) -> None:
        require(self.by is None or self.rows is None, "give by or rows, not both")
        require(self.rows is None or self.rows >= 1, "rows must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class HoldoutFraction:
    """The fraction of a window's labelled rows that is held out for evaluation."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    fraction: float = 0.15

    def __post_init__(self) -> None:
        require(0 < self.fraction < 0.9, f"fraction {self.fraction} must lie between 0 and 0.9")


@dataclass(frozen=True, kw_only=True)
class HoldoutFiles:
    """Separate hold-out files, split by the task column."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    url: str
    pattern: str = "*"


MODEL_SIZES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "tiny": {"embed_dim": 32, "depth": 1, "num_heads": 2},
        "small": {"embed_dim": 64, "depth": 1, "num_heads": 4},
        "base": {"embed_dim": 128, "depth": 2, "num_heads": 4},
    }
)
"""Width, layers and attention heads of a branch by the name of a size; an image stem follows the width."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Size and shape of the network.

    `size` gives `embed_dim`, `depth` and `num_heads` the values that are not given: see `MODEL_SIZES`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    size: Literal["tiny", "small", "base"] = "small"
    embed_dim: int = None  # type: ignore[assignment]  # replaced by that of the size, as are the next two
    depth: int = None  # type: ignore[assignment]
    num_heads: int = None  # type: ignore[assignment]
    stem: Literal["conv", "patches"] = "conv"
    patch_size: int = 4  # pixels along each side of a token
    num_initial_branches: int = 1
    max_branches: int = 32
    max_lineage_length: int = 3  # branches of one lineage, the new one included; bounds the cost of a growth

    def __post_init__(self) -> None:
        for name, value in MODEL_SIZES[self.size].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        for name in ("embed_dim", "depth", "num_heads", "patch_size", "num_initial_branches", "max_branches"):
            require(getattr(self, name) >= 1, f"{name} must be 1 or more")
        require(self.max_lineage_length >= 1, "max_lineage_length must be 1 or more")
        require(
            self.embed_dim % self.num_heads == 0,
            f"embed_dim {self.embed_dim} must be a multiple of num_heads {self.num_heads}",
        )
        require(
            self.stem != "conv" or self.patch_size.bit_count() == 1,
            f"patch_size {self.patch_size} must be 1, 2, 4, 8 or another power of two for stem conv",
        )
        require(
            self.num_initial_branches <= self.max_branches,
            f"num_initial_branches {self.num_initial_branches} is more than max_branches {self.max_branches}",
        )


@dataclass(frozen=True, kw_only=True)
class LabelDelayConfig:
    """How long rows wait for labels, and labels for rows, in a stream with an id column."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    timeout: str = "30d"  # since the rows, or the labels, arrived
    min_labelled_fraction: float = 0.0  # of a window's rows, needed before the stream grows from it

    def __post_init__(self) -> None:
        parse_duration_s(self.timeout)
        require(0 <= self.min_labelled_fraction <= 1, "min_labelled_fraction is a share of 1, such as 0.5")

    @property
    def timeout_s(self) -> float:
        """The timeout in seconds."""
        return parse_duration_s(self.timeout)


_BATCH_SIZE, _MAX_BATCH_SIZE = 128, 1024
_MAX_STEPS = 512  # of an epoch, before larger batches are taken
_EPOCHS, _PATIENCE = 6, 3
_IMAGE_EPOCHS, _IMAGE_ROWS = 30, 3_000  # so many epochs for so many rows
_MIN_IMAGE_EPOCHS, _MAX_IMAGE_EPOCHS = 10, 60
_FEW_IMAGES, _SMALL_BATCH_SIZE = 2_000, 32

AugmentationName: TypeAlias = Literal["flip", "shift"]
"""A random change of training images: mirrored left to right, or shifted by a few pixels."""


@dataclass(frozen=True, kw_only=True)
class GrowthConfig:
    """How a branch is trained."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    epochs: int | Literal["auto"] = "auto"  # auto: 6, or with images by the number of training rows
    batch_size: int | Literal["auto"] = "auto"  # auto: by the number of training rows
    learning_rate: float = 2e-3
    weight_decay: float = 1.0
    dropout: float = 0.0  # of a branch's tokens and of the feature that its head reads, a share of 1
    validation_fraction: float = 0.1  # of the training rows, used to choose the epoch
    patience: int | Literal["auto"] = "auto"  # epochs without a better validation loss before stopping
    min_rows: int = 20  # fewer labelled training rows: nothing is grown
    seed: int = 0
    init: Literal["auto", "residual", "warm_start", "scratch"] = "auto"  # of every branch but the first
    augmentation: Literal["auto", "none"] | tuple[AugmentationName, ...] = "auto"  # of training images

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience", "min_rows"):
            require(getattr(self, name) == "auto" or getattr(self, name) >= 1, f"{name} must be 1 or more")
        require(0 < self.learning_rate <= 1, "learning_rate must lie between 0 and 1")
        require(0 <= self.weight_decay < math.inf, "weight_decay must be 0 or more")
        require(0 <= self.dropout < 1, "dropout must be 0 or more, and less than 1")
        require(0 < self.validation_fraction < 0.9, "validation_fraction must lie between 0 and 0.9")
        require(0 <= self.seed < 2**32, "seed must be a whole number from 0 to 4294967295")
        require(
            isinstance(self.augmentation, str) or len(set(self.augmentation)) == len(self.augmentation),
            "augmentation must name each once",
        )

    @property
    def max_epochs(self) -> int:
        """The number of epochs; that of a training without images where it is not resolved yet."""
        return _EPOCHS if self.epochs == "auto" else self.epochs

    @property
    def max_patience(self) -> int:
        """The patience in epochs; that of a training without images where it is not resolved yet."""
        return _PATIENCE if self.patience == "auto" else self.patience

    def resolve(self, rows: int, *, has_images: bool) -> GrowthConfig:
        """The same with `epochs` and `patience` as numbers, for so many training rows.

        `auto` is 6 and 3. With images the epochs are inversely proportional to the square root of the rows,
        30 for 3,000 rows, and patience is a third of them, since a stem that is trained from nothing on
        augmented images needs many (docs/adr/0003); fewer than 2,000 images are trained in batches of 32.

        >>> images = [GrowthConfig().resolve(n, has_images=True) for n in (500, 3_000, 12_000, 50_000)]
        >>> [(config.epochs, config.patience, config.batch_size) for config in images]
        [(60, 20, 32), (30, 10, 'auto'), (15, 5, 'auto'), (10, 3, 'auto')]
        """
        if not has_images:
            return replace(self, epochs=self.max_epochs, patience=self.max_patience)
        patience, batch_size = self.patience, self.batch_size
        wanted = round(_IMAGE_EPOCHS * math.sqrt(_IMAGE_ROWS / max(rows, 1)))
        bounded = min(max(wanted, _MIN_IMAGE_EPOCHS), _MAX_IMAGE_EPOCHS)
        epochs = bounded if self.epochs == "auto" else self.epochs
        if patience == "auto":
            patience = max(_PATIENCE, epochs // 3)
        if batch_size == "auto" and rows < _FEW_IMAGES:
            batch_size = _SMALL_BATCH_SIZE
        return replace(self, epochs=epochs, patience=patience, batch_size=batch_size)

    def batching(self, rows: int) -> tuple[int, float]:
        """Rows a step, and the factor of the learning rate, for an epoch of so many training rows.

        `auto` is 128, doubled while an epoch would have more than 512 steps, at most up to 1,024; the rate
        grows with its square root.

        >>> [GrowthConfig().batching(rows) for rows in (1_000, 65_536, 250_000, 4_000_000)]
        [(128, 1.0), (128, 1.0), (512, 2.0), (1024, 2.8284271247461903)]
        >>> GrowthConfig(batch_size=32).batching(4_000_000)
        (32, 1.0)
        """
        if self.batch_size != "auto":
            return self.batch_size, 1.0
        size = _BATCH_SIZE
        while size < _MAX_BATCH_SIZE and rows > size * _MAX_STEPS:
            size *= 2
        return size, math.sqrt(size / _BATCH_SIZE)


@dataclass(frozen=True, kw_only=True)
class HyperparameterSearchConfig:
    """Which candidates of a growth are compared, and the epochs they may cost.

    There is one candidate for each learning rate, seed and init; with a single candidate there is no search.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    learning_rates: tuple[float, ...] = ()  # in addition to growth.learning_rate
    num_seeds: int = 1
    num_inits: int = 1  # best inits and parents by the linear probe
    epoch_budget: int = 24  # of all candidates together, before the best one is trained in full
    scope: Literal["first", "all"] = "first"  # first: later growths reuse the learning rate

    def __post_init__(self) -> None:
        require(all(0 < rate <= 1 for rate in self.learning_rates), "learning_rates must lie between 0 and 1")
        for name in ("num_seeds", "num_inits", "epoch_budget"):
            require(getattr(self, name) >= 1, f"{name} must be 1 or more")
        num_candidates = (1 + len(self.learning_rates)) * self.num_seeds * self.num_inits
        # One epoch for each candidate of each round's share.
        min_epochs = num_candidates * math.ceil(math.log2(num_candidates))
        require(
            self.epoch_budget >= min_epochs,
            f"epoch_budget must be {min_epochs} or more for {num_candidates} candidates",
        )


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """What is measured besides the accuracy matrix.

    `single_task_baseline` also trains one model on the window alone, with the same budget; the accuracy
    difference to it is the intransigence.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    single_task_baseline: bool = False


@dataclass(frozen=True, kw_only=True)
class GateConfig:
    """What a candidate must satisfy to become champion."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    min_gain: float = 0.0
    max_forgetting: float = 0.0
    max_parameters: int | None = None
    min_accuracy: float = 0.0  # of every task
    max_negative_flip_rate: float = 0.1  # rows of a task that were correct and are wrong now, a share of 1
    max_routed_accuracy_drop: float = 0.1  # of any earlier task whose rows name no task, a share of 1
    replace_task_after: int | None = 3  # windows that contradict such a task; None: never

    def __post_init__(self) -> None:
        for name in ("min_accuracy", "max_negative_flip_rate", "max_routed_accuracy_drop"):
            require(0 <= getattr(self, name) <= 1, f"{name} is a share of 1, such as 0.02")
        require(-1 <= self.min_gain <= 1, "min_gain is a share of 1, such as 0.02")
        require(0 <= self.max_forgetting <= 1, "max_forgetting is a share of 1, such as 0.02")
        require(
            self.replace_task_after is None or self.replace_task_after >= 2,
            "replace_task_after must be 2 or more",
        )
        require(self.max_parameters is None or self.max_parameters >= 1, "max_parameters must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class BaselineComparisonConfig:
    """The baselines a new branch is compared with; the smallest that is not outperformed is kept instead.

    `alpha` bounds the probability that a baseline as good as all larger candidates counts as outperformed.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    baselines: tuple[Literal["no_change", "new_head", "fine_tune"], ...] = (
        "no_change",
        "new_head",
        "fine_tune",
    )
    alpha: float = 0.05
    min_accuracy_gain: float = 0.02  # that justifies a larger candidate, a share of 1

    def __post_init__(self) -> None:
        require(0 < self.alpha < 1, "alpha must lie between 0 and 1")
        require(0 <= self.min_accuracy_gain <= 1, "min_accuracy_gain is a share of 1, such as 0.02")
        require(len(set(self.baselines)) == len(self.baselines), "baselines must name each once")


@dataclass(frozen=True, kw_only=True)
class PruningConfig:
    """Pruning of a stream's first branches: the fewest within the allowed accuracy drop are kept."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    max_accuracy_drop: float | None = None  # a share of 1, on validation rows; None keeps every branch

    def __post_init__(self) -> None:
        require(
            self.max_accuracy_drop is None or 0 <= self.max_accuracy_drop <= 1,
            "max_accuracy_drop is a share of 1, such as 0.01",
        )


@dataclass(frozen=True, kw_only=True)
class ConsolidationConfig:
    """How a model that has reached its branch budget is distilled into fewer branches.

    All other settings (batch size, learning rate and so on) are those of `growth`; all epochs are run.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    target_branches: int = 4  # after the consolidation, at most
    max_accuracy_drop: float = 0.01  # of any task, a share of 1 of its hold-out rows
    epochs: int = 10

    def __post_init__(self) -> None:
        for name in ("target_branches", "epochs"):
            require(getattr(self, name) >= 1, f"{name} must be 1 or more")
        require(0 <= self.max_accuracy_drop <= 1, "max_accuracy_drop is a share of 1, such as 0.01")


@dataclass(frozen=True, kw_only=True)
class ShadowPromotion:
    """A challenger is promoted after this many labelled windows, unless the champion is better on them."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    shadow_windows: int

    def __post_init__(self) -> None:
        require(self.shadow_windows >= 1, "shadow_windows must be 1 or more; auto promotes at once")


@dataclass(frozen=True, kw_only=True)
class RegistryConfig:
    """Name in the model registry, and who promotes."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    model: str | None = None  # default: the stream's name
    promote: Literal["auto", "manual"] | ShadowPromotion = "auto"

    def __post_init__(self) -> None:
        require(
            self.model is None or re.fullmatch(r"[A-Za-z0-9][\w. -]{0,199}", self.model) is not None,
            f"model {self.model!r} must be letters, digits, spaces, '.', '_' or '-'",
        )


@dataclass(frozen=True, kw_only=True)
class RetainPerClass:
    """At most this many rows of each class are kept."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    per_class: int

    def __post_init__(self) -> None:
        require(self.per_class >= 1, "per_class must be 1 or more; none keeps nothing")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One stream's job file; every key has a default but `name`, `source` and `schema`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    name: str
    source: SourceConfig
    schema: Schema
    schedule: Schedule = field(default_factory=Schedule)
    windowing: WindowingConfig = field(default_factory=WindowingConfig)
    duplicates: Literal["keep", "drop"] = "keep"  # rows with the inputs, label and task of an earlier one
    holdout: HoldoutFraction | HoldoutFiles = field(default_factory=HoldoutFraction)
    metric: MetricName = MetricName.ACCURACY  # what is chosen, gated and reported by
    class_weight: Literal["balanced"] | dict[str, float] | None = None  # of a row's training loss, by class
    model: ModelConfig = field(default_factory=ModelConfig)
    drift: DriftConfig = field(default_factory=DriftConfig)
    retraining_policy: RetrainingPolicyConfig = field(default_factory=RetrainingPolicyConfig)
    refine: RefineConfig = field(default_factory=RefineConfig)
    label_delay: LabelDelayConfig = field(default_factory=LabelDelayConfig)
    growth: GrowthConfig = field(default_factory=GrowthConfig)
    hyperparameter_search: HyperparameterSearchConfig = field(default_factory=HyperparameterSearchConfig)
    pruning: PruningConfig = field(default_factory=PruningConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    baseline_comparison: BaselineComparisonConfig = field(default_factory=BaselineComparisonConfig)
    gates: GateConfig = field(default_factory=GateConfig)
    registry: RegistryConfig = field(default_factory=RegistryConfig)
    retain: Literal["none", "all"] | RetainPerClass = "none"
    consolidation: ConsolidationConfig | None = None

    def __post_init__(self) -> None:
        validate_stream_name(self.name)
        self._validate_metric()
        if isinstance(self.holdout, HoldoutFiles):
            require(
                self.schema.task is not None,
                "holdout rows of their own need a task column in the schema to tell them apart",
            )
        if self.consolidation is not None:
            target_branches, max_branches = self.consolidation.target_branches, self.model.max_branches
            require(self.retain != "none", "consolidation needs rows of every task: set retain")
            require(
                target_branches < max_branches,
                f"consolidation.target_branches {target_branches} must be fewer than"
                f" max_branches {max_branches}",
            )

    def _validate_metric(self) -> None:
        if isinstance(self.class_weight, dict):
            for label, weight in self.class_weight.items():
                require(
                    0 < weight < math.inf, f"class_weight of {label!r} must be a number above 0, not {weight}"
                )
        require(
            METRICS[self.metric].greater_is_better or self.gates.min_accuracy == 0,
            f"gates.min_accuracy is a least value of metric, but less {self.metric} is better",
        )

    @property
    def registered_model(self) -> str:
        """The model's name in the registry."""
        return self.registry.model or self.name
