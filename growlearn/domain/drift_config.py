"""When a window is learned from: the job file's `drift`, `retraining_policy` and `refine`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from growlearn.domain.validation import STRICT, parse_duration_s, require


@dataclass(frozen=True, kw_only=True)
class FalseAlarmBudget:
    """How many false alarms a period may have on average where nothing drifts."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    max_alarms: float
    period: str = "90d"

    def __post_init__(self) -> None:
        require(0 < self.max_alarms < math.inf, "max_alarms must be more than 0")
        parse_duration_s(self.period)


@dataclass(frozen=True, kw_only=True)
class DriftConfig:
    """How windows without a task column are judged."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    detectors: tuple[str, ...] = ("output-ks",)
    decision_rule: str = "any"
    action: str = "grow"
    alpha: float = 0.05  # probability of a false alarm: per window, or ever with decision_rule sequential
    false_alarm_budget: FalseAlarmBudget | None = None  # instead of alpha, for decision_rule sequential
    min_effect_size: float | None = None  # a smaller change is never drift, however many rows show it
    min_rows: int = 30  # fewer rows on either side: inconclusive
    min_rows_per_class: int = 5  # a label with fewer rows does not count as a class
    min_error_increase: float = 0.03  # smallest increase of the error rate that matters, on labelled rows

    def __post_init__(self) -> None:
        require(0 < self.alpha < 1, f"alpha {self.alpha} must lie between 0 and 1")
        require(self.min_rows >= 2, "min_rows must be 2 or more")
        require(self.min_rows_per_class >= 1, "min_rows_per_class must be 1 or more")
        require(
            self.min_effect_size is None or 0 <= self.min_effect_size < 1,
            "min_effect_size is a share of 1, such as 0.03",
        )
        require(0 <= self.min_error_increase < 1, "min_error_increase is a share of 1, such as 0.03")
        require(
            self.false_alarm_budget is None or self.decision_rule == "sequential",
            "false_alarm_budget needs decision_rule sequential: the other rules count windows, not time",
        )
        require(bool(self.detectors), "detectors must name at least one")

    @property
    def min_effect_size_or_default(self) -> float:
        """`min_effect_size`; by default 0.01 for decision_rule sequential, 0.03 for the others.

        Both ignore about the same changes: tests measure the distance of two samples including noise, while
        the e-process also allows for the reference's sampling error (docs/adr/0012, measured).
        """
        if self.min_effect_size is not None:
            return self.min_effect_size
        return 0.01 if self.decision_rule == "sequential" else 0.03


@dataclass(frozen=True, kw_only=True)
class TrainingBudget:
    """The maximum hours of training in a period that ends now."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    max_hours: float
    period: str = "30d"

    def __post_init__(self) -> None:
        require(0 < self.max_hours < math.inf, "max_hours must be more than 0")
        parse_duration_s(self.period)


@dataclass(frozen=True, kw_only=True)
class RetrainingPolicyConfig:
    """When drift leads to growth. The first task is always grown."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    confirm_windows: int = 1  # windows in a row that must drift, the current one included
    warmup_windows: int = 0  # first windows of a stream, which grow nothing but the first task
    cooldown_windows: int = 0  # windows between a training and the next
    max_growths_per_day: int | None = None
    training_budget: TrainingBudget | None = None

    def __post_init__(self) -> None:
        require(self.confirm_windows >= 1, "confirm_windows must be 1 or more")
        for name in ("warmup_windows", "cooldown_windows"):
            require(getattr(self, name) >= 0, f"{name} must be 0 or more")
        require(
            self.max_growths_per_day is None or self.max_growths_per_day >= 1,
            "max_growths_per_day must be 1 or more",
        )


@dataclass(frozen=True, kw_only=True)
class RefineConfig:
    """When new labelled rows of a known task are learned from.

    `worthwhile` waits until they can pay (growth/refinement.py); `every_window` trains on each window that
    brings enough rows.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    when: Literal["worthwhile", "never", "every_window"] = "worthwhile"
    min_rows: int = 500  # new labelled rows beside the hold-out; of fewer nothing is learned

    def __post_init__(self) -> None:
        require(self.min_rows >= 1, "min_rows must be 1 or more")
