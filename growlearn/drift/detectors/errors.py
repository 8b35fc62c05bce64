"""The stream of a head's errors, the reference's first, then the window's, as drift detectors read it.

Such detectors have no stated error rate and give no p-value. Their finding carries a flag in its place.
"""

from __future__ import annotations

from collections.abc import Callable

from growlearn.drift.detectors.finding import CannotJudge, Finding, check_outputs
from growlearn.drift.sample import Sample, errors_of


def watch(
    reference: Sample, query: Sample, alpha: float, update: Callable[[int], bool], recall: int | None = None
) -> tuple[Finding, ...]:
    """One finding on the error stream; `update` takes the next error and says whether drift is seen there.

    Alarms among the reference's errors are not counted. p is 0 where any of the window's errors raised an
    alarm and 1 where none did: a flag, no probability, so that no alpha changes what the detector says. The
    statistic is the number of alarms; the effect is the window's error rate less the reference's, from -1
    to 1, so below 0 where the model does better. `recall` is the number of reference errors that the
    detector can remember; None for all. Raises CannotJudge where outputs are not finite or those of the
    reference all alike, and where either side has no labelled row.
    """
    check_outputs(reference, query)
    before, now = errors_of(reference), errors_of(query)
    for side, errors in (("reference", before), ("window", now)):
        if len(errors) == 0:
            raise CannotJudge(f"no row of the {side} has a label among the task's classes")
    for error in before[-(recall or len(before)) :].tolist():
        update(int(error))
    alarms = sum([update(int(error)) for error in now.tolist()])
    finding = Finding(
        name="errors",
        statistic=float(alarms),
        p_value=0.0 if alarms else 1.0,
        threshold=alpha,
        effect=float(now.mean() - before.mean()),
    )
    return (finding,)
