"""What one window has made of the evidence, and how to say it."""

from __future__ import annotations

from dataclasses import dataclass

from growlearn.drift.evidence.budget import Budget
from growlearn.drift.evidence.carry import Evidence


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One score or risk: `how` it moved, by how much in this window, and all the evidence so far for that.

    leapt: whether this window is an alarm by itself, whatever came before;
    effect: a score's Kolmogorov-Smirnov distance from the reference, 0 to 1; a risk's rise, as a share of
    rows.
    """

    name: str
    how: str
    effect: float
    log_evidence: float
    leapt: bool


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

    def told(self) -> str:
        """The reading in one sentence, numbers as people read them."""
        most = self.moved[0]
        relation = "reached" if self.log_evidence >= self.budget.log_threshold else "did not reach"
        earlier = "; this window alone is an alarm" if most.leapt else ""
        if self.alarm and self.evidence.alarmed_at != self.evidence.windows:
            earlier += f"; alarm since its window {self.evidence.alarmed_at}"
        return (
            f"{most.name} moved most ({most.how}, by {most.effect:.3f} in this window); log evidence "
            f"{self.log_evidence:.1f} after {self.evidence.windows} windows and {self.evidence.rows} rows "
            f"{relation} {self.budget.log_threshold:.1f}{earlier}"
        )
