"""Evidence against one known task, carried from window to window (decision `anytime`).

One part of the error budget watches the scores of the task's head, the other the share of wrong answers where
rows have labels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from growlearn.drift.detectors.finding import CannotJudge
from growlearn.drift.evidence.budget import Budget
from growlearn.drift.evidence.carry import Evidence
from growlearn.drift.evidence.reading import Reading
from growlearn.drift.evidence.risk import RiskMonitor, monitor_risk, read_risk
from growlearn.drift.evidence.scores import ScoreMonitor, monitor_scores, read_scores
from growlearn.drift.sample import Sample, errors_of

_DIGITS = 6  # of a score: what other hardware changes about it is smaller


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What windows of one task have said so far, of its head's scores and of its errors.

    `read` are numbers of windows whose labels came late and were read since.
    """

    scores: Evidence | None = None
    risk: Evidence | None = None
    read: tuple[int, ...] = ()

    def to_json(self) -> str:
        """As JSON text; reading gives the same bits."""
        parts = {"scores": self.scores, "risk": self.risk}
        told = {name: part.to_json() for name, part in parts.items() if part is not None}
        return json.dumps({**told, "read": self.read})

    @classmethod
    def from_json(cls, text: str) -> Carried:
        """Read what `to_json` wrote."""
        told = json.loads(text)
        read = tuple(told.pop("read", ()))
        return cls(read=read, **{name: Evidence.from_json(part) for name, part in told.items()})


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The readings after one window, and what is to be carried on if the window is the task's.

    `risk` is None where the labels of either side are too few to tell.
    """

    scores: Reading
    risk: Reading | None
    carried: Carried

    @property
    def moved(self) -> bool:
        """Whether the scores have left the reference."""
        return self.scores.alarm

    @property
    def harmed(self) -> bool:
        """Whether the errors have risen."""
        return self.risk is not None and self.risk.alarm


def watch(
    reference: Sample,
    window: Sample,
    carried: Carried,
    budget: Budget,
    min_effect: float,
    min_harm: float,
    late: Sample | None = None,
) -> Watched:
    """Read one window's evidence against a task's reference, and that of `late` rows' labels with it.

    Evidence gathered against another reference, budget or set of bets is started anew. Raises CannotJudge
    where the scores of either side say nothing.
    """
    monitor = monitor_scores(scores_of(reference), names_of(reference), budget, min_effect)
    scores = _continued(monitor, carried.scores, scores_of(window), read_scores)
    losses = losses_of(window) if late is None else np.concatenate([losses_of(window), losses_of(late)])
    risk = _risk(reference, losses, carried.risk, budget, min_harm)
    kept = carried.risk if risk is None else risk.evidence
    after = Carried(scores=scores.evidence, risk=kept, read=carried.read)
    return Watched(scores=scores, risk=risk, carried=after)


def scores_of(sample: Sample) -> npt.NDArray[np.float64]:
    """What is watched of each row [N, C + 2]: the head's outputs, the largest, and their entropy in nats."""
    outputs = sample.outputs.astype(np.float64)
    entropy = -(outputs * np.log(outputs.clip(1e-30))).sum(1)
    scores = np.column_stack([outputs, outputs.max(1), entropy])
    return np.asarray(scores.round(_DIGITS))


def names_of(sample: Sample) -> tuple[str, ...]:
    """The names of those scores, in order."""
    classes = range(sample.outputs.shape[1])
    return (*(f"output of class {sample.class_at(place)}" for place in classes), "largest output", "entropy")


def losses_of(sample: Sample) -> npt.NDArray[np.float64]:
    """1 for a wrong answer, 0 for a right one, NaN where the label is not known: [N]."""
    losses = np.full(len(sample), np.nan)
    losses[sample.targets >= 0] = errors_of(sample)
    return losses


def _risk(
    reference: Sample,
    losses: npt.NDArray[np.float64],
    before: Evidence | None,
    budget: Budget,
    min_harm: float,
) -> Reading | None:
    try:
        monitor = monitor_risk(losses_of(reference), budget, min_harm)
        return _continued(monitor, before, losses, read_risk)
    except CannotJudge:
        return None


def _continued(
    monitor: ScoreMonitor | RiskMonitor, before: Evidence | None, values: Any, read: Any
) -> Reading:
    start = monitor.start()
    same = before is not None and before.reference == start.reference
    reading: Reading = read(monitor, before if same else start, values)
    return reading
