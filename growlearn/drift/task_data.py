"""The data of one comparison: a known task's reference rows and a window's rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from growlearn.domain.drift import MonitorState
from growlearn.drift.sample import Sample
from growlearn.drift.sequential.alpha_budget import AlphaBudget


@dataclass(frozen=True, eq=False, kw_only=True)
class TaskComparisonData:
    """One known task's reference rows and the window's rows, both with the outputs of that task's head.

    `routed_fraction` is the fraction of the window's rows that the router sends to this task among those
    compared; None without a router. `monitor_state` is the state after the task's earlier windows, `budget`
    its alpha budget, half for scores and half for errors. `delayed_label_sample` are rows of the earlier
    windows numbered `delayed_label_windows`, whose labels arrived since; only the risk monitor reads them.
    `reference_id` names the reference rows and the head.
    """

    task: str
    reference_sample: Sample
    window_sample: Sample
    routed_fraction: float | None = None
    monitor_state: MonitorState = field(default_factory=MonitorState)
    budget: AlphaBudget | None = None
    delayed_label_sample: Sample | None = None
    delayed_label_windows: tuple[int, ...] = ()
    reference_id: str | None = None
