"""One window against one known task's reference, by every detector a job asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from growlearn.domain.drift import Score
from growlearn.domain.errors import UnknownName
from growlearn.domain.job import DriftSpec
from growlearn.drift.detectors import DETECTORS
from growlearn.drift.detectors.finding import CannotJudge, Detector, Finding
from growlearn.drift.sample import Sample


@dataclass(frozen=True, eq=False, kw_only=True)
class Reference:
    """One known task's reference rows and the window's rows, both before that task's head.

    `share` is that of the window's rows which the router sends to this task, of those compared; None where
    it was not asked.
    """

    task: str
    reference: Sample
    window: Sample
    share: float | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Every score of a window against one task; p_value is the smallest, corrected for their number."""

    task: str
    scores: tuple[Score, ...]
    p_value: float
    share: float | None = None

    @property
    def rejected(self) -> bool:
        """Whether any score is below its threshold."""
        return any(score.p_value < score.threshold for score in self.scores)


def compare(reference: Reference, spec: DriftSpec) -> Comparison:
    """Run the job's detectors, alpha split evenly among them.

    Raises CannotJudge where either side is too small or a detector cannot compare them, UnknownName for a
    detector that is not in the table.
    """
    for side, rows in (("its reference", reference.reference), ("the window", reference.window)):
        if len(rows) < spec.min_rows:
            raise CannotJudge(
                f"{side} has {len(rows)} rows; at least {spec.min_rows} are needed (drift.min_rows)"
            )
    names = tuple(dict.fromkeys(spec.detectors))  # named twice is still one test
    scores = tuple(
        _score(name, finding, reference)
        for name in names
        for finding in detector(name)(reference.reference, reference.window, spec.alpha / len(names))
    )
    corrected = min(score.p_value * spec.alpha / score.threshold for score in scores)
    return Comparison(task=reference.task, scores=scores, p_value=min(1.0, corrected), share=reference.share)


def detector(name: str) -> Detector:
    """A detector by its name in a job file; raises UnknownName with the nearest there is."""
    if name in DETECTORS:
        return DETECTORS[name]
    near = get_close_matches(name, DETECTORS, n=1)
    cure = f"did you mean {near[0]!r}?" if near else f"known detectors: {', '.join(DETECTORS)}"
    raise UnknownName(f"there is no drift detector {name!r}", cure=cure)


def strongest(scores: Sequence[Score]) -> Score:
    """The score that speaks most for drift, each p-value measured by its threshold."""
    return min(scores, key=lambda score: (score.p_value / score.threshold, -score.statistic))


def _score(detector_name: str, finding: Finding, reference: Reference) -> Score:
    return Score(
        detector=detector_name,
        task=reference.task,
        name=finding.name,
        statistic=finding.statistic,
        p_value=finding.p_value,
        threshold=finding.threshold,
        reference_rows=len(reference.reference),
        window_rows=len(reference.window),
        effect=finding.effect,
    )
