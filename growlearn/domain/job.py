"""A job: what to monitor, when, how to judge drift, how to grow, which gates must pass.

Defaults are defined here and in the configurations imported here only. A job is read from YAML, one file a
stream.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from growlearn.domain.drift_config import DriftConfig, RefineConfig, RetrainingPolicyConfig
from growlearn.domain.growth_config import (
    ConsolidationConfig,
    GrowthConfig,
    HyperparameterSearchConfig,
    PruningConfig,
)
from growlearn.domain.metric import METRICS, MetricName
from growlearn.domain.model_config import MAX_PARAMETERS, ModelConfig
from growlearn.domain.printable import quote_name
from growlearn.domain.schema import Schema
from growlearn.domain.serving_config import LOG_COLUMN_PREFIX, ServingConfig
from growlearn.domain.sql_source import SqlSourceConfig
from growlearn.domain.validation import MAX_COUNT, STRICT, parse_duration_s, require

_MAX_CRON_LENGTH = 500  # every minute and every day of a month by its number


def validate_stream_name(name: str) -> None:
    """Raise ValueError for an invalid stream name."""
    require(
        re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", name) is not None,
        f"name {quote_name(name)} must be lower-case letters, digits, '.', '_' or '-', at most 63 of them",
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
            require(len(self.cron) <= _MAX_CRON_LENGTH, f"cron has {len(self.cron):,} characters")
            require(
                len(self.cron.split()) == 5,
                f"{quote_name(self.cron)} is not a crontab line of five fields"
                " (minute hour day month weekday)",
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
        require(
            self.rows is None or 1 <= self.rows <= MAX_COUNT, f"rows must be 1 or more, at most {MAX_COUNT:,}"
        )


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
            f"model {quote_name(self.model)} must be letters, digits, spaces, '.', '_' or '-'",
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
    source: SourceConfig | SqlSourceConfig
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
    serving: ServingConfig = field(default_factory=ServingConfig)
    growth: GrowthConfig = field(default_factory=GrowthConfig)
    hyperparameter_search: HyperparameterSearchConfig = field(default_factory=HyperparameterSearchConfig)
    pruning: PruningConfig = field(default_factory=PruningConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    baseline_comparison: BaselineComparisonConfig = field(default_factory=BaselineComparisonConfig)
    gates: GateConfig = field(default_factory=GateConfig)
    registry: RegistryConfig = field(default_factory=RegistryConfig)
    retain: Literal["none", "all"] | RetainPerClass = "none"
    consolidation: ConsolidationConfig | None = None
    keep: str | None = None  # files of windows and versions that are older may be removed; None: never
    keep_versions: int | None = None  # so many newest versions stay whole, however old
    silent_after: str | None = None  # without a new file for so long an alert is sent; None: never

    def __post_init__(self) -> None:
        validate_stream_name(self.name)
        for duration in (self.keep, self.silent_after):
            if duration is not None:
                parse_duration_s(duration)
        require(self.keep_versions is None or self.keep_versions >= 1, "keep_versions must be 1 or more")
        self._validate_metric()
        self._require_feasible_embeddings()
        if self.serving.request_log is not None:
            self._require_what_logged_rows_need()
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

    def _require_feasible_embeddings(self) -> None:
        for name, column in self.schema.inputs.items():
            weights = (column.vocabulary or 0) * self.model.embed_dim
            require(
                weights <= MAX_PARAMETERS,
                f"vocabulary {column.vocabulary} of {name!r} and embed_dim {self.model.embed_dim} make an"
                f" embedding of {weights:,} weights; at most {MAX_PARAMETERS:,} are allowed",
            )

    def _require_what_logged_rows_need(self) -> None:
        require(
            self.schema.id_column is not None,
            "serving.request_log needs schema.id_column: labels find their rows by it",
        )
        require(
            self.windowing.rows is not None,
            "serving.request_log needs windowing.rows: a file has as many rows as were asked in a while",
        )
        names = (*self.schema.inputs, self.schema.label, self.schema.task, self.schema.id_column)
        require(
            not any(name.startswith(LOG_COLUMN_PREFIX) for name in names if name is not None),
            f"serving.request_log adds columns {LOG_COLUMN_PREFIX}...; no other may be called so",
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
    def keep_s(self) -> float | None:
        """How long files are kept at least, in seconds; None where age alone removes nothing."""
        return None if self.keep is None else parse_duration_s(self.keep)

    @property
    def registered_model(self) -> str:
        """The model's name in the registry."""
        return self.registry.model or self.name
