"""Streams of scored rows, and how a detector is calibrated and timed on them. Peers read it: numpy alone.

Rows lie in a folder as .npy files; a stream is a seed. Every environment draws the same rows from it.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

REFERENCE_ROWS = 2000
STABLE = 100  # windows at least of a stream in which nothing changes, and of a case before the change
MOST_ROWS = 20_000  # changed ones; no alarm by then counts as so many
FADING_ROWS = 10_000  # until a slow change is complete
LEAST_RUNS = 7  # of what is timed
LONG_S = 40.0
FALSE = 0.05  # share of stable streams that may ever alarm


@dataclass(frozen=True)
class Rows:
    """What a model says of N rows: outputs [N, C], features [N, F], and 1 for each wrong answer [N]."""

    outputs: Array
    features: Array
    wrong: Array

    def take(self, at: Array) -> Rows:
        """Some of the rows."""
        return Rows(self.outputs[at], self.features[at], self.wrong[at])

    @property
    def largest(self) -> list[float]:
        """The largest output of each row."""
        return [float(value) for value in self.outputs.max(1)]

    @property
    def errors(self) -> list[int]:
        """Whether each answer is wrong."""
        return [int(value) for value in self.wrong]


@dataclass(frozen=True)
class Pace:
    """How many windows a stream's rows make."""

    window_rows: int = 500

    @property
    def stable(self) -> int:
        """Windows before a change, and of the streams that set thresholds: no fewer than after a change."""
        return max(STABLE, self.most)

    @property
    def most(self) -> int:
        """Changed windows; no alarm by then counts as so many."""
        return MOST_ROWS // self.window_rows

    @property
    def fading(self) -> int:
        """Windows until a slow change is complete."""
        return FADING_ROWS // self.window_rows


Update = Callable[[Rows], float]
"""Takes the next window; says how much speaks for drift so far: an alarm where that is above a threshold."""


@dataclass(frozen=True)
class Method:
    """One detector: `start` takes the reference and gives what takes the windows, one by one.

    forgets: each window is judged by itself, so that the stable ones before a change need not be read;
    streams: for calibration; threshold: given, and not to be calibrated.
    """

    start: Callable[[Rows], Update]
    forgets: bool = True
    streams: int = 60
    threshold: float | None = None


def save(folder: Path, name: str, rows: Rows) -> None:
    """Keep rows for the peers."""
    for part in ("outputs", "features", "wrong"):
        np.save(folder / f"{name}-{part}.npy", getattr(rows, part))


def load(folder: Path, name: str) -> Rows:
    """The rows that `save` kept."""
    return Rows(*(np.load(folder / f"{name}-{part}.npy") for part in ("outputs", "features", "wrong")))


def calibrated(method: Method, known: Rows, pace: Pace) -> tuple[float, list[float]]:
    """The lowest threshold at which FALSE of stable streams or fewer alarm; the largest level of each."""
    highest = []
    for seed in range(1000, 1000 + method.streams):
        reference, others, rng = _begun(known, seed)
        update = method.start(reference)
        windows = (_window(others, None, 0, pace.window_rows, rng) for _ in range(pace.stable))
        highest.append(max(update(window) for window in windows))
    allowed = math.floor(FALSE * method.streams)
    threshold = float(sorted(highest)[-1 - allowed]) if method.threshold is None else method.threshold
    return threshold, highest


def delay(
    method: Method,
    threshold: float,
    known: Rows,
    changed: Rows,
    case: Mapping[str, Any],
    seed: int,
    pace: Pace,
) -> int:
    """Windows from the change to the alarm: 0 for a false alarm before it, `most` where none comes."""
    reference, others, rng = _begun(known, seed)
    update = method.start(reference)
    if isinstance(update, Ladder):
        update.stand_on(int(threshold))
    for window in range(1 if method.forgets else 1 - pace.stable, pace.most + 1):
        done = 0.0 if window < 1 else min(1.0, window / pace.fading) if case["slow"] else 1.0
        new = round(case["share"] * done * pace.window_rows)
        if update(_window(others, changed, new, pace.window_rows, rng)) > threshold:
            return max(0, window)
    return pace.most


def _begun(known: Rows, seed: int) -> tuple[Rows, Rows, np.random.Generator]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(known.wrong))
    return known.take(order[:REFERENCE_ROWS]), known.take(order[REFERENCE_ROWS:]), rng


def _window(known: Rows, changed: Rows | None, new: int, rows: int, rng: np.random.Generator) -> Rows:
    """Rows in any order, `new` of them changed."""
    parts = [known.take(rng.integers(0, len(known.wrong), rows - new))]
    if changed is not None and new:
        parts.append(changed.take(rng.integers(0, len(changed.wrong), new)))
    order = rng.permutation(rows)
    return Rows(
        *(
            np.concatenate([getattr(p, name) for p in parts])[order]
            for name in ("outputs", "features", "wrong")
        )
    )


def measure(methods: Mapping[str, Method], folder: Path, seeds: int, pace: Pace) -> None:
    """Calibrate each method and run it through every case; what was measured before is kept."""
    _plan(folder, "found", methods)
    known, cases = load(folder, "known"), json.loads((folder / "cases.json").read_text())
    for name, method in methods.items():
        target = folder / "found" / f"{name}.json"
        if target.exists():
            continue
        began = time.process_time()
        threshold, highest = calibrated(method, known, pace)
        false = sum(bool(level > threshold) for level in highest)
        found = {}
        for case in cases:
            changed = load(folder, case["rows"])
            found[case["name"]] = [
                delay(method, threshold, known, changed, case, seed, pace) for seed in range(seeds)
            ]
        line = {"threshold": threshold, "false": false, "streams": len(highest), "delays": found}
        _write(target, line)
        print(f"{name}: {time.process_time() - began:.0f} s of CPU", file=sys.stderr, flush=True)


def clock(calls: Mapping[str, Callable[[], object]], folder: Path) -> None:
    """CPU seconds of each call, the median of LEAST_RUNS, or of fewer that took LONG_S together."""
    _plan(folder, "times", calls)
    for name, call in calls.items():
        target = folder / "times" / f"{name}.json"
        if target.exists():
            continue
        taken = [_timed(call)]
        if taken[0] < LONG_S / 4:
            taken.clear()  # it warmed up
        while len(taken) < LEAST_RUNS and sum(taken) < LONG_S:
            taken.append(_timed(call))
        _write(target, {"median_s": float(np.median(taken)), "runs": len(taken)})
        print(f"{name}: {np.median(taken):.3f} s", file=sys.stderr, flush=True)


def _timed(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _plan(folder: Path, what: str, names: Iterable[str]) -> None:
    """Say what is to be measured, so that a report can name what was not."""
    for name in names:
        _write(folder / f"{what}-planned" / f"{name}.json", {})


def _write(target: Path, line: Mapping[str, Any]) -> None:
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(line), encoding="utf-8")


class Ladder:
    """A detector at several thresholds, the laxest first: the level is how high the strictest alarm stood."""

    def __init__(self, rungs: Iterable[Callable[[Rows], bool]]) -> None:
        self.left, self.level = list(enumerate(rungs, 1)), 0

    def stand_on(self, threshold: int) -> None:
        """Feed only the rung that is above the threshold: what the stricter ones say makes no difference."""
        self.left = self.left[threshold : threshold + 1]

    def __call__(self, rows: Rows) -> float:
        """Feed every rung that has not alarmed and is above the highest that has."""
        alarmed = [at for at, alarm in self.left if alarm(rows)]
        self.level = max([self.level, *alarmed])
        self.left = [(at, alarm) for at, alarm in self.left if at > self.level]
        return float(self.level)
