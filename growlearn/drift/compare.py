"""One window against one known task's reference, by every detector a job asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from growlearn.domain.drift import Score
from growlearn.domain.errors import UnknownName
from growlearn.domain.job import DriftSpec
from growlearn.domain.schema import Label
from growlearn.drift.detectors import DETECTORS
from growlearn.drift.detectors.finding import CannotJudge, Detector, Finding, Outputs


@dataclass(frozen=True, eq=False, kw_only=True)
class Reference:
    """Softmax outputs of one known task's head: on its reference rows, and on the window's rows.

    outputs [N_ref, C] and window_outputs [N, C], columns in the order of the task's classes. `share` is that
    of the window's rows which the router sends to this task, of those compared; None where it was not asked.
    """

    task: str
    outputs: Outputs
    window_outputs: Outputs
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


def compare(reference: Reference, classes: Sequence[Label], spec: DriftSpec) -> Comparison:
    """Run the job's detectors, alpha split evenly among them.

    Raises CannotJudge where either side is too small or the outputs say nothing, UnknownName for a
    detector that is not in the table.
    """
    for side, outputs in (("its reference", reference.outputs), ("the window", reference.window_outputs)):
        if len(outputs) < spec.min_rows:
            raise CannotJudge(
                f"{side} has {len(outputs)} rows; at least {spec.min_rows} are needed (drift.min_rows)"
            )
    names = tuple(dict.fromkeys(spec.detectors))  # named twice is still one test
    scores = tuple(
        _score(name, finding, reference, classes)
        for name in names
        for finding in detector(name)(reference.outputs, reference.window_outputs, spec.alpha / len(names))
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


def _score(detector_name: str, finding: Finding, reference: Reference, classes: Sequence[Label]) -> Score:
    column = finding.column
    return Score(
        detector=detector_name,
        task=reference.task,
        name="all outputs" if column is None else f"output of class {classes[column]}",
        statistic=finding.statistic,
        p_value=finding.p_value,
        threshold=finding.threshold,
        reference_rows=len(reference.outputs),
        window_rows=len(reference.window_outputs),
    )
