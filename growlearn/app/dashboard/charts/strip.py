"""Verdicts as a strip of cells, one a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from growlearn.domain.window import Window

_CELL, _STEP, HEIGHT = 12, 16, 28


@dataclass(frozen=True)
class StripCell:
    """One window, and where its cell begins; `verdict` is a text for those not judged too."""

    window: Window
    verdict: str
    x: float


@dataclass(frozen=True)
class Strip:
    """Cells from the oldest window to the newest, and how many have each verdict."""

    width: float
    height: float
    cell_width: float
    cells: tuple[StripCell, ...]
    counts: tuple[tuple[str, int], ...]


def draw_strip(windows: Sequence[Window]) -> Strip:
    """The strip of windows in their order."""
    cells = tuple(
        StripCell(window, describe_verdict(window), _STEP * index) for index, window in enumerate(windows)
    )
    names = [cell.verdict for cell in cells]
    counts = tuple((name, names.count(name)) for name in sorted(set(names), key=names.count, reverse=True))
    return Strip(_STEP * max(1, len(cells)), HEIGHT, _CELL, cells, counts)


def describe_verdict(window: Window) -> str:
    """Its verdict, or else its state."""
    return window.state.value if window.verdict is None else window.verdict.value
