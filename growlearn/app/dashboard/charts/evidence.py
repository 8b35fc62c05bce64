"""The drift timeline: the evidence of each window, with the line from which on it is an alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from growlearn.app.dashboard.charts.scale import Scale, Tick
from growlearn.app.dashboard.evidence import WindowEvidence

_LEFT, _TOP, _BOTTOM = 44, 14, 34
_HEIGHT = 236
_WIDTH, _MIN_SLOT, _MAX_SLOT = 1150, 20, 64  # few windows stand further apart
_BAR_SHARE, _MAX_BAR = 0.6, 24
_UNMEASURED = 4.0  # height of the mark of a window without a test
_MAX_ALARMS = 4.0  # the axis ends at so many times the alarm line: what is beyond it is cut
_LABELS_EVERY = 5


@dataclass(frozen=True)
class EvidenceBar:
    """One window; `is_cut` says that its evidence goes beyond the axis."""

    evidence: WindowEvidence
    x: float
    y: float
    width: float
    height: float
    is_cut: bool


@dataclass(frozen=True)
class EvidenceChart:
    """Bars from the oldest window to the newest; `alarm_lines` are the points of polylines."""

    width: float
    height: float
    left: float
    baseline: float
    bars: tuple[EvidenceBar, ...]
    alarm_lines: tuple[str, ...]
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]


def draw_evidence(windows: Sequence[WindowEvidence]) -> EvidenceChart:
    """The chart of windows in their order."""
    baseline = _HEIGHT - _BOTTOM
    scale = Scale(0, _choose_top(windows), baseline, _TOP)
    slot = max(_MIN_SLOT, min(_MAX_SLOT, (_WIDTH - _LEFT) // max(1, len(windows))))
    places = [_LEFT + slot * index for index in range(len(windows))]
    every = _LABELS_EVERY if slot < 2 * _MIN_SLOT else 1
    return EvidenceChart(
        width=_LEFT + slot * max(1, len(windows)) + 8,
        height=_HEIGHT,
        left=_LEFT,
        baseline=baseline,
        bars=tuple(_draw_bar(window, x, slot, scale) for window, x in zip(windows, places, strict=True)),
        alarm_lines=_draw_alarm_lines(windows, places, slot, scale),
        y_ticks=scale.ticks(),
        x_ticks=tuple(
            Tick(x + slot / 2, window.window)
            for index, (window, x) in enumerate(zip(windows, places, strict=True))
            if index % every == 0
        ),
    )


def _choose_top(windows: Sequence[WindowEvidence]) -> float:
    """Above the alarm line, and above the largest evidence unless that would make the line too low to see."""
    alarm = max((window.alarm for window in windows if window.alarm is not None), default=1.0)
    largest = max((window.value for window in windows if window.value is not None), default=0.0)
    return max(1.0, 1.5 * alarm, min(1.05 * largest, _MAX_ALARMS * alarm))


def _draw_bar(window: WindowEvidence, x: float, slot: float, scale: Scale) -> EvidenceBar:
    top = scale.start - _UNMEASURED if window.value is None else scale.place(window.value)
    top = min(top, scale.start - 1)  # no evidence is a mark too
    is_cut = window.value is not None and window.value > scale.high
    height = round(scale.start - top, 1)
    width = min(_MAX_BAR, round(_BAR_SHARE * slot))
    return EvidenceBar(window, x + (slot - width) / 2, top, width, height, is_cut)


def _draw_alarm_lines(
    windows: Sequence[WindowEvidence], places: Sequence[float], slot: float, scale: Scale
) -> tuple[str, ...]:
    """One polyline for each run of windows that have a line, level over every window."""
    lines: list[list[str]] = [[]]
    for window, x in zip(windows, places, strict=True):
        if window.alarm is None:
            lines.append([])
            continue
        y = scale.place(window.alarm)
        lines[-1] += [f"{x},{y}", f"{x + slot},{y}"]
    return tuple(" ".join(points) for points in lines if points)
