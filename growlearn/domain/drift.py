"""A drift report: test results, p-values and a verdict for one window."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from growlearn.domain.printable import format_reason
from growlearn.domain.window import Verdict


class DriftKind(StrEnum):
    """What changed."""

    COVARIATE_SHIFT = "covariate_shift"
    LABEL_SHIFT = "label_shift"  # only the class frequencies
    CONCEPT_DRIFT = "concept_drift"  # the same inputs, other labels
    NEW_CLASSES = "new_classes"
    DATA_QUALITY = "data_quality"


@dataclass(frozen=True, kw_only=True)
class DriftTestResult:
    """One test of one output or column of a window against one known task's reference."""

    detector: str
    task: str
    name: str
    statistic: float
    p_value: float
    threshold: float  # drift where p_value is below it
    reference_rows: int
    window_rows: int
    effect_size: float = 0.0  # of the change, in the detector's own unit; NaN where it was not recorded


@dataclass(frozen=True, kw_only=True)
class RemainingBudget:
    """What the job's retraining policy still allowed when a window was planned; None: no such budget."""

    growths: int | None  # in the 24 hours before
    hours: float | None  # of training, in the policy's period


@dataclass(frozen=True, kw_only=True)
class EProcess:
    """An e-process after `num_windows` windows and `num_rows` rows, of the reference of that fingerprint.

    `log_wealth` is log M of each bet, empty before the first window; `max_log_evidence` the largest log
    evidence so far, 0 at the start; `first_alarm_window` the first window with an alarm, counted from 1.
    """

    fingerprint: str
    num_windows: int = 0
    num_rows: int = 0
    log_wealth: tuple[float, ...] = ()
    max_log_evidence: float = 0.0
    first_alarm_window: int | None = None


@dataclass(frozen=True, kw_only=True)
class MonitorState:
    """The e-processes of one task so far, on its head's scores and on its errors.

    `delayed_label_windows` are the numbers of windows whose labels arrived late and were read since.
    `reference_version` is the version that the reference came with. `windows_per_day` is the pace by which a
    false alarm budget is spent, fixed when the monitor starts; None for a budget for life.
    """

    scores: EProcess | None = None
    risk: EProcess | None = None
    delayed_label_windows: tuple[int, ...] = ()
    reference_version: int | None = None
    windows_per_day: float | None = None


@dataclass(frozen=True, kw_only=True)
class DriftReport:
    """The verdict on one window with its evidence; `task` is the matched or the newly opened one.

    `monitor_state` is that of the matched task's windows so far (decision_rule sequential). Where nothing is
    to be grown, the model it would grow from answered `correct` of `labelled_rows` right: those of at most
    50,000 rows whose label is a class of the task.
    """

    verdict: Verdict
    task: str | None
    reason: str
    alpha: float
    test_results: tuple[DriftTestResult, ...] = ()
    kind: DriftKind | None = None
    monitor_state: MonitorState | None = None
    correct: int | None = None
    labelled_rows: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", format_reason(self.reason))

    @property
    def needs_growth(self) -> bool:
        """Whether a new branch is wanted."""
        return self.verdict.needs_growth
