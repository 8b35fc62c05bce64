"""What one window has made of the evidence, and how to say it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from growlearn.drift.evidence.budget import Budget
from growlearn.drift.evidence.carry import Evidence


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One score or risk: `how` it moved, by how much in this window, and all the evidence so far for that.

    effect: a score's Kolmogorov-Smirnov distance from the reference, 0 to 1; a risk's rise, as a share of
    rows.
    """

    name: str
    how: str
    effect: float
    log_evidence: float


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The evidence after one window, to be kept and handed to the next; `moved` has the strongest first."""

    evidence: Evidence
    log_evidence: float
    budget: Budget
    moved: tuple[Moved, ...]

    @property
    def alarm(self) -> bool:
        """Whether the evidence reached the threshold, in this window or an earlier one."""
        return self.evidence.alarmed_at is not None

    @property
    def chance(self) -> float | None:
        """An anytime-valid p-value: P(evidence as large as its peak at any time, were nothing changed).

        None where the budget is a rate: evidence is then allowed to reach the threshold now and then.
        """
        if self.budget.windows is not None:
            return None
        return min(1.0, self.budget.reference + math.exp(-self.evidence.peak))

    def told(self) -> str:
        """The reading in one sentence, numbers as people read them."""
        most = self.moved[0]
        relation = "reached" if self.log_evidence >= self.budget.log_threshold else "did not reach"
        earlier = ""
        if self.alarm and self.evidence.alarmed_at != self.evidence.windows:
            earlier = f"; alarm since its window {self.evidence.alarmed_at}"
        return (
            f"{most.name} moved most ({most.how}, by {most.effect:.3f} in this window); log evidence "
            f"{self.log_evidence:.1f} after {self.evidence.windows} windows and {self.evidence.rows} rows "
            f"{relation} {self.budget.log_threshold:.1f}{earlier}"
        )
