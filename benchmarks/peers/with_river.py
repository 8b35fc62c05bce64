"""river's detectors on a stream of numbers, row by row: the errors, or each row's largest output."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from types import SimpleNamespace

import numpy as np
import river.drift.kswin
from peers.streams import Array, Ladder, Method, Rows, Update
from river.drift import ADWIN, KSWIN, PageHinkley
from scipy.stats import ks_2samp

DELTAS = (1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.002, 1e-4, 1e-6)
Signal = Callable[[Rows], Sequence[float]]


def errors(rows: Rows) -> Sequence[float]:
    """Whether each answer is wrong."""
    return rows.errors


def largest(rows: Rows) -> Sequence[float]:
    """The largest output of each row."""
    return rows.largest


def adwin(signal: Signal) -> Callable[[Rows], Update]:
    """At each delta of the grid."""

    def rung(delta: float, reference: Rows) -> Callable[[Rows], bool]:
        detector = ADWIN(delta=delta)

        def alarm(rows: Rows) -> bool:
            found = False
            for value in signal(rows):
                detector.update(value)
                found = found or detector.drift_detected
            return found

        alarm(reference)
        return alarm

    return lambda reference: Ladder([rung(delta, reference) for delta in DELTAS])


def page_hinkley(signal: Signal) -> Callable[[Rows], Update]:
    """The larger of its two sums, which its threshold is compared with."""

    def start(reference: Rows) -> Update:
        detector = PageHinkley(threshold=math.inf)

        def update(rows: Rows) -> float:
            most = 0.0
            for value in signal(rows):
                detector.update(value)
                up = detector._sum_increase - detector._min_increase
                down = detector._max_decrease - detector._sum_decrease
                most = max(most, up, down)
            return most

        update(reference)
        return update

    return start


@cache
def exact_p(gap: int, rows: int) -> float:
    """Of two samples of so many rows whose KS distance is gap / rows."""
    one = np.arange(rows)
    return float(ks_2samp(one, one + gap - 0.5).pvalue) if gap else 1.0


def quick_ks(one: Sequence[float], two: Sequence[float], method: str) -> tuple[float, float]:  # noqa: ARG001
    """What scipy answers river at every row, looked up: nothing but the distance enters the exact p-value."""
    first, second = np.sort(one), np.sort(two)
    both = np.concatenate([first, second])
    gaps = np.searchsorted(first, both, "right") - np.searchsorted(second, both, "right")
    gap = int(np.abs(gaps).max())
    return gap / len(one), exact_p(gap, len(one))


def kswin(signal: Signal) -> Callable[[Rows], Update]:
    """The smallest p-value of its steps; of the reference it is given the hundred rows that it remembers."""
    river.drift.kswin.stats = SimpleNamespace(ks_2samp=quick_ks)

    def start(reference: Rows) -> Update:
        detector = KSWIN(alpha=1e-300, seed=0)
        for value in signal(reference)[-100:]:
            detector.update(value)

        def update(rows: Rows) -> float:
            least = 1.0
            for value in signal(rows):
                detector.update(value)
                least = min(least, detector.p_value)
            return -math.log(max(least, 1e-300))

        return update

    return start


METHODS = {
    "river ADWIN, errors": Method(adwin(errors), forgets=False),
    "river ADWIN, largest output": Method(adwin(largest), forgets=False),
    "river Page-Hinkley, errors": Method(page_hinkley(errors), forgets=False),
    "river Page-Hinkley, largest output": Method(page_hinkley(largest), forgets=False),
    "river KSWIN, largest output": Method(kswin(largest), streams=40),
}


def timings(x: Array, y: Array, moved: Array):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Scipy's test in a loop: what most write who have no library; river has no test of whole windows."""
    return {
        "KS: scipy, column by column": lambda: [
            ks_2samp(x[:, at], y[:, at], method="asymp") for at in range(x.shape[1])
        ]
    }
