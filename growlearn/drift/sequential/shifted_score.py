"""The update of an e-process by one window, and its description."""

from __future__ import annotations

from dataclasses import dataclass

from growlearn.domain.drift import EProcess
from growlearn.drift.sequential.alpha_budget import AlphaBudget


@dataclass(frozen=True, kw_only=True)
class ShiftedScore:
    """One score or risk: the direction and size of its shift in this window, and the evidence so far.

    `alarmed_alone` says whether this window alone is an alarm, whatever came before; `effect` is a score's
    Kolmogorov-Smirnov distance from the reference, 0 to 1, or the increase of the risk, -1 to 1.
    """

    name: str
    direction: str
    effect: float
    log_evidence: float
    alarmed_alone: bool


@dataclass(frozen=True, kw_only=True)
class EProcessUpdate:
    """The e-process after one window, input to the next; `shifted_scores` has the strongest first."""

    e_process: EProcess
    log_evidence: float
    budget: AlphaBudget
    shifted_scores: tuple[ShiftedScore, ...]

    @property
    def alarm(self) -> bool:
        """Whether the evidence reached the threshold, in this window or an earlier one."""
        return self.e_process.first_alarm_window is not None

    def describe(self) -> str:
        """The update in one sentence, with rounded numbers."""
        strongest = self.shifted_scores[0]
        relation = "reached" if self.log_evidence >= self.budget.log_threshold else "did not reach"
        suffix = "; this window alone is an alarm" if strongest.alarmed_alone else ""
        if self.alarm and self.e_process.first_alarm_window != self.e_process.num_windows:
            suffix += f"; alarm since its window {self.e_process.first_alarm_window}"
        return (
            f"{strongest.name} moved most ({strongest.direction}, by {strongest.effect:.3f} in this window); "
            f"log evidence {self.log_evidence:.1f} after {self.e_process.num_windows} windows"
            f" and {self.e_process.num_rows} rows {relation} {self.budget.log_threshold:.1f}{suffix}"
        )
