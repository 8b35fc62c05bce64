"""What kind of change a window shows that is unlike every known task, and whether it calls for growth.

Data that broke is no new regime. Another mix of the same labels is answered as it was. A move of the inputs
that labels show to be harmless need not be learned. What is left is grown for.
"""

from __future__ import annotations

from dataclasses import dataclass

from growlearn.domain.drift import DriftKind
from growlearn.domain.drift_spec import DriftSpec
from growlearn.domain.window import Verdict
from growlearn.drift.breakage import breakage
from growlearn.drift.compare import Comparison
from growlearn.drift.detectors.finding import CannotJudge
from growlearn.drift.detectors.label_shift import estimated_mix
from growlearn.drift.mix import Shares, distance, mix_of, moved_labels
from growlearn.drift.reference import Reference

_LEAST_MOVED = 0.1  # share of labels that changed
_UNLIKE = 1e-4  # p-value below which the mix does not explain all; it is asked in every window of such a mix
_ALIKE = 0.01  # p-value from which known labels explain all, however little of the distance they take away
_MOST_LEFT = 0.5  # of the distance there was; an estimated mix may fit any change a little


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
    if not comparison.harmed and (mix := _explaining_mix(reference, spec)) is not None:
        reason = f"the mix of labels moved and nothing else: {_told(mix, reference)}"
        return Cause(verdict=Verdict.WARN, kind=DriftKind.LABEL_MIX, reason=reason)
    harm = comparison.harm
    if harm is not None and harm.highest <= spec.min_harm:
        reason = (
            f"the inputs moved and harm nothing: {harm.told}, at most {harm.highest:+.1%} (drift.min_harm)"
        )
        return Cause(verdict=Verdict.WARN, kind=DriftKind.INPUTS, reason=reason)
    return Cause(verdict=Verdict.DRIFT, kind=DriftKind.INPUTS, reason="")


def _explaining_mix(reference: Reference, spec: DriftSpec) -> Shares | None:
    """The window's mix of labels, where another mix than the reference's makes that look like the window."""
    there, here = mix_of(reference.reference), mix_of(reference.window, spec.min_rows)
    if there is None:
        return None
    try:
        shares = estimated_mix(reference.reference, reference.window) if here is None else here
    except CannotJudge:
        return None
    before, left = (distance(reference.reference, reference.window, mix) for mix in (None, shares))
    if before is None or left is None or moved_labels(shares, there) < _LEAST_MOVED:
        return None
    if here is not None and left.p_value >= _ALIKE:
        return shares
    return shares if left.p_value >= _UNLIKE and left.largest <= _MOST_LEFT * before.largest else None


def _told(shares: Shares, reference: Reference) -> str:
    """The classes whose shares moved most, at most three."""
    there = mix_of(reference.reference)
    assert there is not None, "a reference that was given a mix is labelled"
    moved = sorted(range(len(shares)), key=lambda place: -abs(shares[place] - there[place]))[:3]
    return ", ".join(
        f"class {reference.reference.class_at(place)} {there[place]:.0%} -> {shares[place]:.0%}"
        for place in moved
    )
