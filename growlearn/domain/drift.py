"""A drift report: scores, p-values and a verdict for one window."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from growlearn.domain.window import Verdict


class DriftKind(StrEnum):
    """What moved."""

    INPUTS = "inputs"
    LABEL_MIX = "label mix"  # the classes' shares alone
    RELATION = "relation"  # rows look as they did and their labels are others
    NEW_CLASSES = "new classes"
    BROKEN = "broken data"


@dataclass(frozen=True, kw_only=True)
class Score:
    """One test of one output or column of a window against one known task's reference."""

    detector: str
    task: str
    name: str
    statistic: float
    p_value: float
    threshold: float  # drift where p_value is below it
    reference_rows: int
    window_rows: int
    effect: float = 0.0  # how large the change is, in the detector's own unit; NaN where it was not recorded


@dataclass(frozen=True, kw_only=True)
class BudgetLeft:
    """What the job's policy still allowed when a window was planned for; None: no such budget is set."""

    growths: int | None  # in the 24 hours before
    hours: float | None  # of training, in the policy's own period


@dataclass(frozen=True, kw_only=True)
class DriftReport:
    """The verdict on one window and all it rests on; `task` is the matched or the newly opened one."""

    verdict: Verdict
    task: str | None
    reason: str
    alpha: float
    scores: tuple[Score, ...] = ()
    kind: DriftKind | None = None
    evidence: str | None = None  # as JSON, of the matched task's windows so far (decision anytime)

    @property
    def calls_for_growth(self) -> bool:
        """Whether a new branch is wanted."""
        return self.verdict.calls_for_growth
