"""How windows are judged and when drift is grown for: the sections `drift` and `policy` of a job file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from growlearn.domain.keys import STRICT, duration_s, require


@dataclass(frozen=True, kw_only=True)
class FalseGrowths:
    """How many false alarms a period may have on average, where nothing drifts."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    at_most: float
    per: str = "90d"

    def __post_init__(self) -> None:
        require(0 < self.at_most < math.inf, "at_most must be more than 0")
        duration_s(self.per)


@dataclass(frozen=True, kw_only=True)
class DriftSpec:
    """How windows without a task column are judged."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    detectors: tuple[str, ...] = ("output-ks",)
    window: str = "latest"
    windows: int = 3  # that window "sliding" spans
    decision: str = "any"
    action: str = "grow"
    alpha: float = 0.05  # chance of a false alarm: in each window, or ever where the decision is anytime
    false_growths: FalseGrowths | None = None  # in place of alpha, for decision anytime
    min_effect: float | None = None  # a smaller move is never drift, however many rows show it
    min_rows: int = 30  # fewer rows on either side: cannot judge
    min_class_rows: int = 5  # fewer rows of a label do not speak for a class
    min_harm: float = 0.03  # rise of the error rate worth acting on, where labels tell it

    def __post_init__(self) -> None:
        require(0 < self.alpha < 1, f"alpha {self.alpha} must lie between 0 and 1")
        require(self.min_rows >= 2, "min_rows must be 2 or more")
        require(self.min_class_rows >= 1, "min_class_rows must be 1 or more")
        require(
            self.min_effect is None or 0 <= self.min_effect < 1, "min_effect is a share of 1, such as 0.03"
        )
        require(0 <= self.min_harm < 1, "min_harm is a share of 1, such as 0.03")
        require(
            self.false_growths is None or self.decision == "anytime",
            "false_growths needs decision anytime: other decisions count windows, not time",
        )
        require(bool(self.detectors), "detectors must name at least one")
        require(self.windows >= 2, "windows must be 2 or more")
        require(
            self.window == "latest" or self.decision != "anytime",
            "window must be latest for decision anytime: evidence counts every window once",
        )

    @property
    def smallest_effect(self) -> float:
        """`min_effect`; where it is not given 0.01 for decision anytime, 0.03 for others.

        The two hide about the same moves: tests see how far two samples are apart, noise and all, while
        evidence allows for the reference's sampling error besides (docs/adr/0012, measured).
        """
        if self.min_effect is not None:
            return self.min_effect
        return 0.01 if self.decision == "anytime" else 0.03


@dataclass(frozen=True, kw_only=True)
class HoursBudget:
    """At most so many hours within a period that ends now."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    at_most: float
    per: str = "30d"

    def __post_init__(self) -> None:
        require(0 < self.at_most < math.inf, "at_most must be more than 0")
        duration_s(self.per)


@dataclass(frozen=True, kw_only=True)
class PolicySpec:
    """When drift is grown for. The first task always is."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    confirm: int = 1  # windows in a row that must drift, the one that is grown from among them
    warm_up: int = 0  # windows of a new stream before which nothing but its first task is grown
    cool_down: int = 0  # windows between a training and the next
    growths_per_day: int | None = None
    training_hours: HoursBudget | None = None

    def __post_init__(self) -> None:
        require(self.confirm >= 1, "confirm must be 1 or more")
        for name in ("warm_up", "cool_down"):
            require(getattr(self, name) >= 0, f"{name} must be 0 or more")
        require(
            self.growths_per_day is None or self.growths_per_day >= 1, "growths_per_day must be 1 or more"
        )
