"""One known task's reference rows and a window's rows, side by side: what a window is judged on."""

from __future__ import annotations

from dataclasses import dataclass, field

from growlearn.drift.evidence.budget import Budget
from growlearn.drift.sample import Sample
from growlearn.drift.watch import Carried


@dataclass(frozen=True, eq=False, kw_only=True)
class Reference:
    """One known task's reference rows and the window's rows, both before that task's head.

    `share` is that of the window's rows which the router sends to this task, of those compared; None where
    it was not asked. `carried` is the evidence of the task's earlier windows, and `budget` that of evidence,
    half of it for scores and half for errors. `late` are rows of earlier windows, by their numbers, whose
    labels came since; evidence alone reads them.
    """

    task: str
    reference: Sample
    window: Sample
    share: float | None = None
    carried: Carried = field(default_factory=Carried)
    budget: Budget | None = None
    late: Sample | None = None
    late_windows: tuple[int, ...] = ()
