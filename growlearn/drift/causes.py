"""What kind of change a window shows that is unlike every known task, and whether it calls for growth.

Data that broke is no new regime. Another mix of the same labels is answered as it was. A move of the inputs
that labels show to be harmless need not be learned. What is left is grown for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from growlearn.domain.drift import DriftKind
from growlearn.domain.job import DriftSpec
from growlearn.domain.window import Verdict
from growlearn.drift.breakage import breakage
from growlearn.drift.compare import Comparison, Reference, compare
from growlearn.drift.detectors.finding import CannotJudge
from growlearn.drift.detectors.label_shift import estimated_mix
from growlearn.drift.mix import Shares, observed_mix, with_mix

_ALIKE_ALPHA = (
    0.001  # at which a window must be like the reference in another mix; no job's alpha is stricter
)
_MOST_EFFECT = 0.5  # of the effect before, which may be left once the mix is the window's


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What kind of change it is, what follows from it, and why."""

    verdict: Verdict
    kind: DriftKind
    reason: str


def cause_of(reference: Reference, comparison: Comparison, spec: DriftSpec) -> Cause:
    """Why the window is unlike the task it is nearest to: `reference` and its `comparison`."""
    broken = breakage(reference.reference, reference.window)
    if broken is not None:
        reason = f"the data looks broken, so nothing is learned from it: {broken}"
        return Cause(verdict=Verdict.CANNOT_JUDGE, kind=DriftKind.BROKEN, reason=reason)
    if not comparison.harmed and (mix := _explaining_mix(reference, comparison, spec)) is not None:
        reason = f"the mix of labels moved and nothing else: {_told(mix, reference)}"
        return Cause(verdict=Verdict.WARN, kind=DriftKind.LABEL_MIX, reason=reason)
    harm = comparison.harm
    if harm is not None and harm.highest <= spec.min_harm:
        reason = (
            f"the inputs moved and harm nothing: {harm.told}, at most {harm.highest:+.1%} (drift.min_harm)"
        )
        return Cause(verdict=Verdict.WARN, kind=DriftKind.INPUTS, reason=reason)
    return Cause(verdict=Verdict.DRIFT, kind=DriftKind.INPUTS, reason="")


def _explaining_mix(reference: Reference, comparison: Comparison, spec: DriftSpec) -> Shares | None:
    """The window's mix of labels, where a reference of the same mix is like the window."""
    try:
        mix = observed_mix(reference.window, spec.min_rows)
        shares = estimated_mix(reference.reference, reference.window) if mix is None else mix
        mixed = replace(reference, reference=with_mix(reference.reference, shares))
        again = compare(mixed, replace(spec, alpha=min(spec.alpha, _ALIKE_ALPHA)))
    except CannotJudge:
        return None
    left = max(score.effect for score in again.scores)
    before = max(score.effect for score in comparison.scores)
    return None if again.rejected or left > _MOST_EFFECT * before else shares


def _told(mix: Shares, reference: Reference) -> str:
    """The classes whose shares moved most, at most three."""
    there = observed_mix(reference.reference, 1)
    assert there is not None, "a reference that was given a mix is labelled"
    moved = sorted(range(len(mix)), key=lambda place: -abs(mix[place] - there[place]))[:3]
    return ", ".join(
        f"class {reference.reference.class_at(place)} {there[place]:.0%} -> {mix[place]:.0%}"
        for place in moved
    )
