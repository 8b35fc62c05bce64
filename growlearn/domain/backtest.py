"""A history replayed under one policy: its verdicts, its costs, and how they fit the true regimes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from growlearn.domain.metric import MetricName, mean_over_windows
from growlearn.domain.window import Verdict


@dataclass(frozen=True, kw_only=True)
class WindowReplay:
    """One window of a replay.

    `task` is the one the policy matched or opened. The model before the window predicted `correct` of the
    `labelled` rows correctly, and had `metric_value` by the job's metric (None where that is accuracy, or not
    defined on the rows). `training_s` is the training time the window would have cost; 0 where nothing
    was grown. `regime` is the true one, None where it is unknown.
    """

    window: str
    source: str
    rows: int
    verdict: Verdict
    task: str | None
    reason: str | None
    grown: bool = False
    training_s: float = 0.0
    correct: int = 0
    labelled: int = 0
    metric_value: float | None = None
    regime: str | None = None

    @property
    def alarm(self) -> bool:
        """Whether the verdict needs growth; a stream's first task is no alarm."""
        return self.verdict.needs_growth and self.verdict is not Verdict.FIRST


@dataclass(frozen=True, kw_only=True)
class DriftEvent:
    """A true change of regime and the window that detected it, `delay` windows later.

    A change to a new regime is detected by an alarm, a return to a learned one (`known_task`) by a verdict
    that names its task. `detected_in` is None where neither came before the next change.
    """

    window: str
    regime: str
    known_task: bool
    detected_in: str | None
    delay: int | None


@dataclass(frozen=True, kw_only=True)
class Replay:
    """All windows of a history under one policy, in order."""

    policy: str
    windows: tuple[WindowReplay, ...]
    metric: MetricName = MetricName.ACCURACY

    @property
    def alarms(self) -> int:
        """Windows whose verdict needs growth, without the first task."""
        return sum(window.alarm for window in self.windows)

    @property
    def trainings(self) -> int:
        """Windows that would have been grown for, the first task included."""
        return sum(window.grown for window in self.windows)

    @property
    def training_hours(self) -> float:
        """Total hours of training."""
        return sum(window.training_s for window in self.windows) / 3600

    @property
    def labelled(self) -> int:
        """Rows the accuracy is computed on."""
        return sum(window.labelled for window in self.windows)

    @property
    def accuracy(self) -> float | None:
        """Share of labelled rows predicted correctly on arrival; None where there were none."""
        return sum(window.correct for window in self.windows) / self.labelled if self.labelled else None

    @property
    def value(self) -> float | None:
        """The job's metric: its mean over windows weighted by their labelled rows; None without any."""
        if self.metric is MetricName.ACCURACY:
            return self.accuracy
        return mean_over_windows((window.metric_value, window.labelled) for window in self.windows)

    @property
    def undefined(self) -> tuple[str, ...]:
        """Ids of the windows on which the metric is not defined: all their labelled rows have one label."""
        if self.metric is MetricName.ACCURACY:
            return ()
        return tuple(
            window.window for window in self.windows if window.labelled and window.metric_value is None
        )

    @property
    def drift_events(self) -> tuple[DriftEvent, ...]:
        """Every true change after the first window; empty where the regimes are unknown."""
        regimes = forward_fill_regimes(self.windows)
        task_regimes = _task_regimes(self.windows, regimes)
        edges = [*find_change_points(regimes), len(regimes)]
        return tuple(
            _make_drift_event(self.windows[start:end], regimes[start], task_regimes[start])
            for start, end in pairwise(edges)
        )

    @property
    def delays(self) -> tuple[int, ...]:
        """Windows from each change to a new regime to its alarm, where one came."""
        return tuple(
            event.delay for event in self.drift_events if not event.known_task and event.delay is not None
        )

    @property
    def mean_delay(self) -> float | None:
        """Mean of the delays, in windows."""
        return fmean(self.delays) if self.delays else None

    @property
    def missed(self) -> int:
        """Changes to a new regime that no alarm detected."""
        return sum(not event.known_task and event.detected_in is None for event in self.drift_events)

    @property
    def recurrences(self) -> int:
        """Changes back to a learned regime."""
        return sum(event.known_task for event in self.drift_events)

    @property
    def recurrences_detected(self) -> int:
        """Returns that a verdict matched with the right task."""
        return sum(event.known_task and event.detected_in is not None for event in self.drift_events)

    @property
    def false_alarms(self) -> int:
        """Alarms in a regime the model had already learned."""
        regimes = forward_fill_regimes(self.windows)
        task_regimes = _task_regimes(self.windows, regimes)
        return sum(
            window.alarm and regime is not None and regime in known_regimes.values()
            for window, regime, known_regimes in zip(self.windows, regimes, task_regimes, strict=True)
        )


def forward_fill_regimes(windows: Sequence[WindowReplay]) -> tuple[str | None, ...]:
    """The true regime of each window; where it is missing, that of the window before."""
    filled: list[str | None] = []
    for window in windows:
        filled.append(window.regime or (filled[-1] if filled else None))
    return tuple(filled)


def find_change_points(regimes: Sequence[str | None]) -> list[int]:
    """Indices whose regime differs from the one before.

    >>> find_change_points([None, "A", "A", "B"])
    [3]
    """
    return [
        index
        for index in range(1, len(regimes))
        if regimes[index - 1] is not None and regimes[index] != regimes[index - 1]
    ]


def _task_regimes(windows: Sequence[WindowReplay], regimes: Sequence[str | None]) -> list[dict[str, str]]:
    """Before each window, the regime in which each task was opened or first matched."""
    regimes_before: list[dict[str, str]] = []
    current: dict[str, str] = {}
    for window, regime in zip(windows, regimes, strict=True):
        regimes_before.append(dict(current))
        if window.task is not None and regime is not None:
            current.setdefault(window.task, regime)
    return regimes_before


def _make_drift_event(
    segment: Sequence[WindowReplay], regime: str | None, task_regimes: dict[str, str]
) -> DriftEvent:
    assert regime is not None, "only windows before the first known regime have none"
    known_task = regime in task_regimes.values()
    detections = (
        index
        for index, window in enumerate(segment)
        if (_matches_regime(window, regime, task_regimes) if known_task else window.alarm)
    )
    delay = next(detections, None)
    return DriftEvent(
        window=segment[0].window,
        regime=regime,
        known_task=known_task,
        detected_in=None if delay is None else segment[delay].window,
        delay=delay,
    )


def _matches_regime(window: WindowReplay, regime: str, task_regimes: dict[str, str]) -> bool:
    """Whether a window was matched with a task of its regime that existed when the regime began."""
    return window.task is not None and task_regimes.get(window.task) == regime
