"""One window against one known task's reference, by every detector a job asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from growlearn.domain.drift import Score
from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.errors import UnknownName
from growlearn.drift.decisions import DECISIONS, Grounds
from growlearn.drift.detectors import DETECTORS
from growlearn.drift.detectors.finding import CannotJudge, Detector, Finding
from growlearn.drift.harm import Harm, harm_of
from growlearn.drift.reference import Reference
from growlearn.drift.watch import Carried


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Every score of a window against one task; p_value is the smallest, corrected for their number.

    `rejected` says that its rows look other than the task's, `harmed` that its labels say the task's answers
    got worse; both as the job's decision sees it. `carried` is the evidence if the window is the task's.
    """

    task: str
    scores: tuple[Score, ...]
    p_value: float
    rejected: bool
    harmed: bool = False
    harm: Harm | None = None
    share: float | None = None
    carried: Carried | None = None
    told: str | None = None


def compare(reference: Reference, spec: DriftSpec) -> Comparison:
    """Run the job's detectors, alpha split evenly among them and, where rows have labels, their errors.

    Raises CannotJudge where either side is too small or a detector cannot compare them, UnknownName for a
    detector that is not in the table.
    """
    for side, rows in (("its reference", reference.reference), ("the window", reference.window)):
        if len(rows) < spec.min_rows:
            raise CannotJudge(
                f"{side} has {len(rows)} rows; at least {spec.min_rows} are needed (drift.min_rows)"
            )
    names = tuple(dict.fromkeys(spec.detectors))  # named twice is still one test
    harm = harm_of(reference.reference, reference.window, spec.min_rows)
    alpha = spec.alpha / (len(names) + (harm is not None))
    scores = tuple(
        _score(name, finding, reference)
        for name in names
        for finding in detector(name)(reference.reference, reference.window, alpha)
    )
    grounds = Grounds(reference=reference, scores=scores, harm=harm, harm_threshold=alpha)
    decided = DECISIONS[spec.decision](grounds, spec)
    errors = () if harm is None else (_errors(harm, alpha, reference.task),)
    corrected = min(score.p_value * spec.alpha / score.threshold for score in scores)
    return Comparison(
        task=reference.task, scores=(*scores, *errors), p_value=min(1.0, corrected), rejected=decided.moved,
        harmed=decided.harmed, harm=harm, share=reference.share, carried=decided.carried, told=decided.told,
    )  # fmt: skip


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


def _errors(harm: Harm, threshold: float, task: str) -> Score:
    return Score(
        detector="errors",
        task=task,
        name="error rate",
        statistic=harm.errors / harm.rows,
        p_value=harm.p_value,
        threshold=threshold,
        reference_rows=harm.reference_rows,
        window_rows=harm.rows,
        effect=harm.rise,
    )


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
