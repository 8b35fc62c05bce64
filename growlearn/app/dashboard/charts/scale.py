"""Places of values on an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Tick:
    """A label on an axis, and its place in pixels."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """From values `low` to `high` to pixels `start` to `end`; values beyond are drawn at the ends."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """The pixel of a value, to a tenth.

        >>> Scale(0, 10, 100, 0).place(2.5), Scale(0, 10, 100, 0).place(11), Scale(1, 1, 0, 9).place(1)
        (75.0, 0.0, 0.0)
        """
        span = self.high - self.low
        share = min(1.0, max(0.0, (value - self.low) / span)) if span else 0.0
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, count: int = 4) -> tuple[Tick, ...]:
        """About `count` round values with their places.

        >>> [tick.label for tick in Scale(0, 10, 100, 0).ticks()]
        ['0', '2.5', '5', '7.5', '10']
        """
        span = self.high - self.low
        if span <= 0:
            return (Tick(self.place(self.low), f"{self.low:g}"),)
        size = 10 ** math.floor(math.log10(span / count))
        step = next(size * nice for nice in _NICE if span / (size * nice) <= count)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return tuple(Tick(self.place(n * step), f"{n * step:.6g}") for n in range(first, last + 1))
