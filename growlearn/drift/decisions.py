"""The table of decisions: from a window's scores against one task to whether it is told apart from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from growlearn.domain.drift import Score
from growlearn.domain.drift_spec import DriftSpec
from growlearn.drift.evidence.budget import for_life
from growlearn.drift.harm import Harm
from growlearn.drift.reference import Reference
from growlearn.drift.watch import Carried, watch


@dataclass(frozen=True, eq=False, kw_only=True)
class Grounds:
    """All that a decision may rest on: both sides, what detectors found, what labels say.

    `harm_threshold` is the p-value below which a rise of the errors is believed.
    """

    reference: Reference
    scores: Sequence[Score]
    harm: Harm | None
    harm_threshold: float


@dataclass(frozen=True, kw_only=True)
class Decided:
    """Whether rows look other than the task's, whether its answers got worse, and what is carried on."""

    moved: bool
    harmed: bool
    carried: Carried | None = None
    told: str | None = None


Decision = Callable[[Grounds, DriftSpec], Decided]


def any_score(grounds: Grounds, spec: DriftSpec) -> Decided:
    """Told apart where any score is: alpha is an error rate of each window, shared by all its tests."""
    moved = any(_large(score, spec) for score in grounds.scores)
    return Decided(moved=moved, harmed=_harmed(grounds, spec))


def majority(grounds: Grounds, spec: DriftSpec) -> Decided:
    """Told apart where more than half of the detectors are; one that is not believed alone is outvoted."""
    detectors = tuple(dict.fromkeys(score.detector for score in grounds.scores))
    alarmed = {score.detector for score in grounds.scores if _large(score, spec)}
    return Decided(moved=2 * len(alarmed) > len(detectors), harmed=_harmed(grounds, spec))


def anytime(grounds: Grounds, spec: DriftSpec) -> Decided:
    """Told apart where the evidence of all the task's windows says so: alpha is for the stream's whole life.

    Detectors then only describe what moved. Raises CannotJudge where the scores of either side say nothing.
    """
    sides = grounds.reference
    budget = sides.budget or for_life(spec.alpha / 2)
    watched = watch(
        sides.reference, sides.window, sides.carried, budget, spec.smallest_effect, spec.min_harm, sides.late
    )
    carried = replace(watched.carried, read=(*watched.carried.read, *sides.late_windows))
    told = watched.scores.told()
    if watched.risk is not None and watched.risk.alarm:
        told = watched.risk.told()
    return Decided(moved=watched.moved, harmed=watched.harmed, carried=carried, told=told)


DECISIONS: Mapping[str, Decision] = MappingProxyType(
    {"any": any_score, "majority": majority, "anytime": anytime}
)


def _large(score: Score, spec: DriftSpec) -> bool:
    return score.p_value < score.threshold and score.effect >= spec.smallest_effect


def _harmed(grounds: Grounds, spec: DriftSpec) -> bool:
    harm = grounds.harm
    return harm is not None and harm.p_value < grounds.harm_threshold and harm.rise >= spec.min_harm
