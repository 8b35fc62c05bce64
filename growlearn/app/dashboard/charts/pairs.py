"""Two values a task side by side: what a version would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from growlearn.app.dashboard.charts.scale import Scale, Tick

_LEFT, _RIGHT, _TOP, _BOTTOM = 120, 20, 8, 28
_WIDTH, _ROW = 520, 34


@dataclass(frozen=True)
class Pair:
    """A task's value before and after, None where it has none."""

    task: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """After less before."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class PairMark:
    """One task, and the places of its values."""

    pair: Pair
    y: float
    before_x: float | None
    after_x: float | None


@dataclass(frozen=True)
class PairChart:
    """One line a task."""

    width: float
    height: float
    left: float
    baseline: float
    marks: tuple[PairMark, ...]
    x_ticks: tuple[Tick, ...]


def draw_pairs(pairs: Sequence[Pair]) -> PairChart:
    """The chart of pairs in their order; the axis begins a little below the smallest value."""
    values = [value for pair in pairs for value in (pair.before, pair.after) if value is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.1 * (high - low) or 0.05
    scale = Scale(max(0.0, low - margin), min(1.0, high + margin), _LEFT, _WIDTH - _RIGHT)
    baseline = _TOP + _ROW * max(1, len(pairs))
    return PairChart(
        width=_WIDTH,
        height=baseline + _BOTTOM,
        left=_LEFT,
        baseline=baseline,
        marks=tuple(
            PairMark(
                pair,
                _TOP + _ROW * (index + 0.5),
                None if pair.before is None else scale.place(pair.before),
                None if pair.after is None else scale.place(pair.after),
            )
            for index, pair in enumerate(pairs)
        ),
        x_ticks=scale.ticks(),
    )
