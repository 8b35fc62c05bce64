"""What is kept must be better than doing nothing."""

from __future__ import annotations

from growlearn.domain.evaluation import GateResult
from growlearn.domain.job import GateSpec
from growlearn.domain.worth import Comparison, Means
from growlearn.evaluation.gates.evidence import Evidence


def worth(evidence: Evidence, spec: GateSpec) -> GateResult:  # noqa: ARG001 - the bound is the comparison's
    """The p-value against doing nothing of what is kept, or else of what came nearest: below its bound.

    Passes where there was nothing that could be done without learning: 0 is recorded then.
    """
    found = evidence.worth
    against = () if found is None else [c for c in found.comparisons if c.cheaper is Means.NOTHING]
    if found is None or not against:
        return GateResult(
            gate="worth", figure=0.0, bound=0.0, passed=True, reason="no earlier task could answer instead"
        )
    kept = [each for each in against if each.dearer is found.winner]
    best = kept[0] if kept else min(against, key=lambda each: each.p_value)
    return GateResult(
        gate="worth",
        figure=best.p_value,
        bound=found.alpha / len(against),
        passed=bool(kept) and best.beaten,
        reason=_reason(best, found.min_effect),
    )


def _reason(best: Comparison, min_effect: float) -> str:
    asked = "" if best.beaten or not min_effect else f"; {100 * min_effect:.2f} points are asked"
    verdict = "beats" if best.beaten else "does not beat"
    interval = f"{100 * best.low:+.2f} to {100 * best.high:+.2f}"
    return (
        f"{best.dearer} {verdict} doing nothing by {100 * best.difference:+.2f} points "
        f"({interval}; p = {best.p_value:.2g} on {best.rows} rows{asked})"
    )
