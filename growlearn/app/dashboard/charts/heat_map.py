"""The accuracy matrix as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from growlearn.app.dashboard.charts.scale import Scale

_LEFT, _TOP = 112, 34
_CELL_HEIGHT = 40
_MAX_WIDTH, _MIN_CELL, _MAX_CELL = 960, 28, 84
_MIN_TEXT_CELL = 50  # a narrower cell has no room for its value
_LOWEST_OPACITY, _STRONG = 0.12, 0.6


@dataclass(frozen=True)
class HeatCell:
    """The value of one task after one growth; `is_strong` wants the text in the other colour."""

    x: float
    y: float
    value: float
    after: str
    task: str
    opacity: float
    is_strong: bool


@dataclass(frozen=True)
class HeatMap:
    """Cells by row, and the places of the labels of columns and rows."""

    width: float
    height: float
    cell_width: float
    cell_height: float
    has_text: bool
    cells: tuple[HeatCell, ...]
    columns: tuple[tuple[float, str], ...]
    rows: tuple[tuple[float, str], ...]


def draw_heat_map(
    tasks: Sequence[str], values: Sequence[Sequence[float | None]], *, greater_is_better: bool = True
) -> HeatMap:
    """One cell for each value that was measured, stronger where it is better."""
    cell_width = max(_MIN_CELL, min(_MAX_CELL, (_MAX_WIDTH - _LEFT) // max(1, len(tasks))))
    measured = [value for row in values for value in row if value is not None]
    low, high = (min(measured), max(measured)) if measured else (0.0, 1.0)
    best, worst = (high, low) if greater_is_better else (low, high)
    shade = Scale(worst, best, _LOWEST_OPACITY, 1.0)
    columns = tuple((_LEFT + index * cell_width, task) for index, task in enumerate(tasks))
    rows = tuple((_TOP + index * _CELL_HEIGHT, task) for index, task in enumerate(tasks))
    return HeatMap(
        width=_LEFT + cell_width * len(tasks) + 2,
        height=_TOP + _CELL_HEIGHT * len(tasks) + 2,
        cell_width=cell_width,
        cell_height=_CELL_HEIGHT,
        has_text=cell_width >= _MIN_TEXT_CELL,
        cells=tuple(
            _draw_cell(x, y, value, after, task, shade)
            for (y, after), row in zip(rows, values, strict=True)
            for (x, task), value in zip(columns, row, strict=True)
            if value is not None
        ),
        columns=columns,
        rows=rows,
    )


def _draw_cell(x: float, y: float, value: float, after: str, task: str, shade: Scale) -> HeatCell:
    is_flat = shade.low == shade.high
    span = shade.high - shade.low
    share = 1.0 if is_flat else (value - shade.low) / span
    opacity = round(shade.start + share * (shade.end - shade.start), 2)
    return HeatCell(x, y, value, after, task, opacity, opacity >= _STRONG)
