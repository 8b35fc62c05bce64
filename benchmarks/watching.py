"""A model's scores of rows it never saw, and ways to watch them: what the drift benchmarks share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import fashion_mnist
import numpy as np
import numpy.typing as npt
import torch
from growing import Garden, rows_of
from scipy.stats import kstwo

from growlearn.domain.job import GrowthSpec, ModelSpec
from growlearn.drift.evidence.budget import Budget, for_life
from growlearn.drift.evidence.carry import Evidence, bet_sizes
from growlearn.drift.evidence.reading import Reading
from growlearn.drift.evidence.risk import RiskMonitor, read_risk
from growlearn.drift.evidence.scores import ScoreMonitor, read_scores
from growlearn.drift.evidence.shapes import VALUES, VARIATION

Floats = npt.NDArray[np.floating]

ALPHA = 0.05
TRAINED = 10_000  # rows the model learns from; all others are there to be watched
NAMES = (*(f"output of class {label}" for label in range(10)), "largest output", "entropy", "energy")


@dataclass(frozen=True)
class Said:
    """Scores [N, S] of N rows, and 1 for each wrongly answered one [N]."""

    scores: Floats
    losses: Floats

    def take(self, at: npt.NDArray[np.intp]) -> Said:
        """Some of the rows."""
        return Said(self.scores[at], self.losses[at])


def train(images: fashion_mnist.Array, labels: fashion_mnist.Array, epochs: int = 3) -> Garden:
    """A model of one task, "known"."""
    garden = Garden(ModelSpec(), GrowthSpec(epochs=epochs))
    garden.route = False
    garden.grow("known", rows_of(images, labels))
    return garden


def ask(garden: Garden, images: fashion_mnist.Array, labels: fashion_mnist.Array) -> Said:
    """Softmax outputs, the largest of them, their entropy, and energy: the log of the summed exp(logits)."""
    logits = torch.from_numpy(garden.load(garden.manifest).logits(rows_of(images, labels), "known")).double()
    outputs = torch.softmax(logits, 1)
    parts = [
        outputs,
        outputs.max(1, keepdim=True).values,
        torch.special.entr(outputs).sum(1, keepdim=True),
        torch.logsumexp(logits, 1, keepdim=True),
    ]
    classes = np.array(garden.manifest.task("known").classes)
    return Said(torch.cat(parts, 1).numpy(), (classes[logits.argmax(1).numpy()] != labels).astype(float))


def kept(folder: Path, name: str, make: Callable[[], list[Any]]) -> list[Any]:
    """What was made before, or make it now: a benchmark that was interrupted goes on where it stood."""
    path = folder / f"{name}.json"
    if not path.exists():
        found = make()
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found), encoding="utf-8")
    return list(json.loads(path.read_text(encoding="utf-8")))


def kept_said(folder: Path, name: str, make: Callable[[], Said]) -> Said:
    """The same for scores and losses."""
    path = folder / f"{name}.npz"
    if not path.exists():
        said = make()
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(path, scores=said.scores, losses=said.losses)
    with np.load(path) as arrays:
        return Said(arrays["scores"], arrays["losses"])


@dataclass
class Watch:
    """One way to watch a stream's scores: a monitor and its evidence so far."""

    monitor: ScoreMonitor
    evidence: Evidence = field(init=False)
    reading: Reading = field(init=False)

    def __post_init__(self) -> None:
        self.evidence = self.monitor.start()

    def alarm(self, said: Said) -> bool:
        """Whether any window so far was an alarm."""
        self.reading = read_scores(self.monitor, self.evidence, said.scores)
        self.evidence = self.reading.evidence
        return self.reading.alarm


@dataclass
class RiskWatch:
    """The same for losses."""

    monitor: RiskMonitor
    evidence: Evidence = field(init=False)

    def __post_init__(self) -> None:
        self.evidence = self.monitor.start()

    def alarm(self, said: Said) -> bool:
        """Whether any window so far was an alarm."""
        self.evidence = read_risk(self.monitor, self.evidence, said.losses).evidence
        return self.evidence.alarmed_at is not None


@lru_cache(maxsize=4096)
def critical_distance(level: float, rows: int, reference_rows: int) -> float:
    """Of the asymptotic test of scipy.stats.ks_2samp, as the detector output-ks makes it."""
    return float(kstwo.isf(level, round(rows * reference_rows / (rows + reference_rows))))


@dataclass
class KolmogorovSmirnov:
    """A KS test of every score in every window, Bonferroni over scores; spent: over windows too, for life."""

    reference: Floats
    spent: bool
    windows: int = 0
    budget: Budget = field(default_factory=lambda: for_life(ALPHA))

    def __post_init__(self) -> None:
        self.ordered = np.sort(self.reference.T, axis=1)

    def alarm(self, said: Said) -> bool:
        """Whether this window is an alarm: p < alpha / S, times the window's weight where spent."""
        self.windows += 1
        rows, places = len(said.scores), len(self.reference)
        level = ALPHA / len(self.ordered) * (self.budget.weight(self.windows) if self.spent else 1)
        critical = critical_distance(level, rows, places)
        passed = np.arange(rows) / rows
        for known, scores in zip(self.ordered, np.sort(said.scores.T, axis=1), strict=True):
            above = (passed + 1 / rows - np.searchsorted(known, scores, "right") / places).max()
            under = (np.searchsorted(known, scores, "left") / places - passed).max()
            if max(above, under) > critical:
                return True
        return False


def unconditional(monitor: ScoreMonitor) -> ScoreMonitor:
    """The plain martingale: the reference is taken for the truth, its sampling error forgotten."""
    return _with_ceilings(monitor, VALUES.mean(1))


def banded(monitor: ScoreMonitor) -> ScoreMonitor:
    """The sampling error bounded by a band around each score's distribution (DKW, Massart's constant)."""
    scores, rows = monitor.ordered.shape
    band = np.sqrt(np.log(2 * scores / monitor.budget.reference) / (2 * rows))
    return _with_ceilings(monitor, VALUES.mean(1) + band * VARIATION)


def _with_ceilings(monitor: ScoreMonitor, ceilings: npt.NDArray[np.float64]) -> ScoreMonitor:
    return replace(monitor, ceilings=ceilings, bets=bet_sizes(ceilings, VALUES.std(axis=1)))
