"""Lines over steps: losses by epoch, losses by number of branches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from growlearn.app.dashboard.charts.scale import Scale, Tick

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 14, 34
_WIDTH, _HEIGHT = 520, 220
_MAX_X_LABELS = 8


@dataclass(frozen=True)
class Series:
    """Values at each step, None where there is none; `style` is its class in the style sheet."""

    name: str
    style: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class CurvePoint:
    """One value, and its place."""

    x: float
    y: float
    step: str
    value: float


@dataclass(frozen=True)
class CurveLine:
    """A series as it is drawn."""

    name: str
    style: str
    path: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class Curve:
    """Lines, and the ticks of both axes."""

    width: float
    height: float
    left: float
    right: float
    baseline: float
    lines: tuple[CurveLine, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def draw_curve(steps: Sequence[str], series: Sequence[Series]) -> Curve:
    """The lines of some series over the same steps; values that are not finite are left out."""
    values = [value for line in series for value in line.values if value is not None and math.isfinite(value)]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    baseline = _HEIGHT - _BOTTOM
    y_scale = Scale(low - margin, high + margin, baseline, _TOP)
    x_scale = Scale(0, max(1, len(steps) - 1), _LEFT + 8, _WIDTH - _RIGHT - 8)
    every = max(1, math.ceil(len(steps) / _MAX_X_LABELS))
    return Curve(
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        baseline=baseline,
        lines=tuple(_draw_line(line, steps, x_scale, y_scale) for line in series),
        x_ticks=tuple(Tick(x_scale.place(i), steps[i]) for i in range(0, len(steps), every)),
        y_ticks=y_scale.ticks(),
    )


def _draw_line(series: Series, steps: Sequence[str], x_scale: Scale, y_scale: Scale) -> CurveLine:
    points = tuple(
        CurvePoint(x_scale.place(index), y_scale.place(value), step, value)
        for index, (step, value) in enumerate(zip(steps, series.values, strict=True))
        if value is not None and math.isfinite(value)
    )
    return CurveLine(series.name, series.style, " ".join(f"{point.x},{point.y}" for point in points), points)
