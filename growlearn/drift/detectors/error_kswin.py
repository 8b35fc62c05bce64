"""KSWIN on the error stream: at each step the last 30 of 100 against 30 drawn from the others, by KS.

Source: Raab, Heusinger, Schleif, "Reactive Soft Prototype Computing for Concept Drift Streams"
(Neurocomputing 2020), as river has it, with its defaults.
"""

from __future__ import annotations

from river.drift import KSWIN

from growlearn.drift.detectors.errors import watch
from growlearn.drift.detectors.finding import Finding
from growlearn.drift.sample import Sample


def error_kswin(reference: Sample, query: Sample, alpha: float) -> tuple[Finding, ...]:
    """Whether river's KSWIN (its own alpha 0.005, seed 0) sees drift in the window's errors.

    It remembers 100 errors, so only the reference's last 100 are read. alpha has no part in it, and it
    has no stated error rate, for it tests anew at every row: on stationary normal data 72 % of streams
    alarmed within 1,000 samples and all within 5,000. What the finding says, and when CannotJudge is
    raised: `errors.watch`.
    """
    kswin = KSWIN(seed=0)

    def update(error: int) -> bool:
        kswin.update(error)
        return bool(kswin.drift_detected)

    return watch(reference, query, alpha, update, recall=kswin.window_size)
