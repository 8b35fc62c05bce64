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
from branch_growth import GrowingModel, make_rows
from scipy.stats import kstwo

from growlearn.domain.drift import EProcess
from growlearn.domain.growth_config import GrowthConfig
from growlearn.domain.model_config import ModelConfig
from growlearn.drift.sequential.alpha_budget import AlphaBudget, make_lifetime_budget
from growlearn.drift.sequential.betting_functions import BETTING_VALUES, TOTAL_VARIATIONS
from growlearn.drift.sequential.conformal_martingale import ScoreMonitor, update_with_scores
from growlearn.drift.sequential.e_process import compute_bet_sizes
from growlearn.drift.sequential.risk import RiskMonitor, update_with_losses
from growlearn.drift.sequential.shifted_score import EProcessUpdate

Floats = npt.NDArray[np.floating]

ALPHA = 0.05
TRAINED = 10_000  # rows the model learns from; all others are there to be watched
NAMES = (*(f"output of class {label}" for label in range(10)), "largest output", "entropy", "energy")


@dataclass(frozen=True)
class ScoredRows:
    """Scores [N, S] of N rows, and 1 for each wrongly answered one [N]."""

    scores: Floats
    losses: Floats

    def take(self, at: npt.NDArray[np.intp]) -> ScoredRows:
        """Some of the rows."""
        return ScoredRows(self.scores[at], self.losses[at])


def train(images: fashion_mnist.Array, labels: fashion_mnist.Array, epochs: int = 3) -> GrowingModel:
    """A model of one task, "known"."""
    model = GrowingModel(ModelConfig(), GrowthConfig(epochs=epochs))
    model.route = False
    model.grow("known", make_rows(images, labels))
    return model


def score_rows(model: GrowingModel, images: fashion_mnist.Array, labels: fashion_mnist.Array) -> ScoredRows:
    """Softmax outputs, the largest of them, their entropy, and energy: the log of the summed exp(logits)."""
    logits = torch.from_numpy(model.load(model.manifest).logits(make_rows(images, labels), "known")).double()
    outputs = torch.softmax(logits, 1)
    parts = [
        outputs,
        outputs.max(1, keepdim=True).values,
        torch.special.entr(outputs).sum(1, keepdim=True),
        torch.logsumexp(logits, 1, keepdim=True),
    ]
    classes = np.array(model.manifest.task("known").classes)
    return ScoredRows(
        torch.cat(parts, 1).numpy(), (classes[logits.argmax(1).numpy()] != labels).astype(float)
    )


def cached(folder: Path, name: str, make: Callable[[], list[Any]]) -> list[Any]:
    """What was made before, or make it now: a benchmark that was interrupted goes on where it stood."""
    path = folder / f"{name}.json"
    if not path.exists():
        found = make()
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found), encoding="utf-8")
    return list(json.loads(path.read_text(encoding="utf-8")))


def cached_scores(folder: Path, name: str, make: Callable[[], ScoredRows]) -> ScoredRows:
    """The same for scores and losses."""
    path = folder / f"{name}.npz"
    if not path.exists():
        scored = make()
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(path, scores=scored.scores, losses=scored.losses)
    with np.load(path) as arrays:
        return ScoredRows(arrays["scores"], arrays["losses"])


@dataclass
class Watch:
    """One way to watch a stream's scores: a monitor and its evidence so far."""

    monitor: ScoreMonitor
    evidence: EProcess = field(init=False)
    reading: EProcessUpdate = field(init=False)

    def __post_init__(self) -> None:
        self.evidence = self.monitor.initial_e_process()

    def alarm(self, scored: ScoredRows) -> bool:
        """Whether any window so far was an alarm."""
        self.reading = update_with_scores(self.monitor, self.evidence, scored.scores)
        self.evidence = self.reading.e_process
        return self.reading.alarm


@dataclass
class RiskWatch:
    """The same for losses."""

    monitor: RiskMonitor
    evidence: EProcess = field(init=False)

    def __post_init__(self) -> None:
        self.evidence = self.monitor.initial_e_process()

    def alarm(self, scored: ScoredRows) -> bool:
        """Whether any window so far was an alarm."""
        self.evidence = update_with_losses(self.monitor, self.evidence, scored.losses).e_process
        return self.evidence.first_alarm_window is not None


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
    budget: AlphaBudget = field(default_factory=lambda: make_lifetime_budget(ALPHA))

    def __post_init__(self) -> None:
        self.ordered = np.sort(self.reference.T, axis=1)

    def alarm(self, scored: ScoredRows) -> bool:
        """Whether this window is an alarm: p < alpha / S, times the window's weight where spent."""
        self.windows += 1
        rows, places = len(scored.scores), len(self.reference)
        level = ALPHA / len(self.ordered) * (self.budget.weight(self.windows) if self.spent else 1)
        critical = critical_distance(level, rows, places)
        passed = np.arange(rows) / rows
        for known, scores in zip(self.ordered, np.sort(scored.scores.T, axis=1), strict=True):
            above = (passed + 1 / rows - np.searchsorted(known, scores, "right") / places).max()
            under = (np.searchsorted(known, scores, "left") / places - passed).max()
            if max(above, under) > critical:
                return True
        return False


def unconditional(monitor: ScoreMonitor) -> ScoreMonitor:
    """The plain martingale: the reference is taken for the truth, its sampling error forgotten."""
    return _with_ceilings(monitor, BETTING_VALUES.mean(1))


def banded(monitor: ScoreMonitor) -> ScoreMonitor:
    """The sampling error bounded by a band around each score's distribution (DKW, Massart's constant)."""
    scores, rows = monitor.sorted_reference.shape
    band = np.sqrt(np.log(2 * scores / monitor.budget.reference_alpha) / (2 * rows))
    return _with_ceilings(monitor, BETTING_VALUES.mean(1) + band * TOTAL_VARIATIONS)


def _with_ceilings(monitor: ScoreMonitor, ceilings: npt.NDArray[np.float64]) -> ScoreMonitor:
    return replace(
        monitor, upper_bounds=ceilings, bets=compute_bet_sizes(ceilings, BETTING_VALUES.std(axis=1))
    )
